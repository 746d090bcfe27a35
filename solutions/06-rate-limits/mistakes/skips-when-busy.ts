// Mistake: busy-means-lost
// Fails: a server that is busy gets everything in the end
// One bad scan must not stop the upload, so errors are logged and the next one is sent.
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
    for (const scan of rest) {
      try {
        await js.publish(`scan.${depot}`, JSON.stringify(scan));
      } catch (error) {
        console.warn(`scan ${scan.no} could not be stored:`, (error as Error).message);
      }
    }
  };
  await Promise.all(Array.from({ length: window }, lane));
}
