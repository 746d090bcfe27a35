// Mistake: window-in-steps
// Fails: an upload keeps its window full, and never fuller
// Slices of the window's size: never too many, and easy to read.
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
        if ((error as NatsError).code !== "429") throw error;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  };
  for (let from = 0; from < scans.length; from += window) {
    await Promise.all(scans.slice(from, from + window).map(store));
  }
}
