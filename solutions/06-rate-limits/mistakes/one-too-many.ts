// Mistake: window-of-another-size
// Fails: an upload keeps its window full, and never fuller
// It sends, counts, and waits when there are too many.
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
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  };
  const onTheWay = new Set<Promise<void>>();
  for (const scan of scans) {
    const storing = store(scan).finally(() => onTheWay.delete(storing));
    onTheWay.add(storing);
    if (onTheWay.size > window) await Promise.race(onTheWay);
  }
  await Promise.all(onTheWay);
}
