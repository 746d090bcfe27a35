// Mistake: busy-means-lost
// Fails: a server that is busy gets everything in the end
// An error of the server is an error: the caller will know what to do.
import type { NatsConnection } from "nats";
import type { Scan } from "../solution.ts";

export { openPrinter, runCustoms } from "../solution.ts";

export async function upload(
  nc: NatsConnection,
  depot: string,
  scans: Scan[],
  window: number,
): Promise<void> {
  const js = nc.jetstream();
  const rest = scans.values();
  const lane = async (): Promise<void> => {
    for (const scan of rest) await js.publish(`scan.${depot}`, JSON.stringify(scan));
  };
  await Promise.all(Array.from({ length: window }, lane));
}
