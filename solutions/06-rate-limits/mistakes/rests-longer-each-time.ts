// Mistake: rest-without-end
// Fails: a server that is busy gets everything in the end
// A busy server is left alone: half a second first, and twice as long after each further refusal.
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
    for (let restMs = 500; ; restMs *= 2) {
      try {
        await js.publish(`scan.${depot}`, JSON.stringify(scan), { msgID: `${depot}-${scan.no}` });
        return;
      } catch (error) {
        if ((error as NatsError).api_error?.code !== 429) throw error;
        await new Promise((resolve) => setTimeout(resolve, restMs));
      }
    }
  };
  const rest = scans.values();
  const lane = async (): Promise<void> => {
    for (const scan of rest) await store(scan);
  };
  await Promise.all(Array.from({ length: window }, lane));
}
