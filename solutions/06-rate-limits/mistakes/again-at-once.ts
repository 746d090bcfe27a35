// Mistake: again-at-once
// Fails: a server that is busy gets everything in the end
// Refused, so once more.
import type { NatsConnection, NatsError } from "nats";
import type { Scan } from "../solution.ts";

export { openPrinter, runCustoms } from "../solution.ts";

export async function upload(
  nc: NatsConnection,
  depot: string,
  scans: Scan[],
  window: number,
): Promise<void> {
  const js = nc.jetstream();
  const store = async (scan: Scan): Promise<void> => {
    for (;;) {
      try {
        await js.publish(`scan.${depot}`, JSON.stringify(scan), { msgID: `${depot}-${scan.no}` });
        return;
      } catch (error) {
        if ((error as NatsError).api_error?.code !== 429) throw error;
      }
    }
  };
  const rest = scans.values();
  const lane = async (): Promise<void> => {
    for (const scan of rest) await store(scan);
  };
  await Promise.all(Array.from({ length: window }, lane));
}
