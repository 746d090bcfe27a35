// Mistake: every-error-passes
// Fails: an upload that cannot succeed says so
// Whatever it was, it may work the next time.
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
  const store = async (scan: Scan): Promise<void> => {
    for (;;) {
      try {
        await js.publish(`scan.${depot}`, JSON.stringify(scan), { msgID: `${depot}-${scan.no}` });
        return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  };
  const rest = scans.values();
  const lane = async (): Promise<void> => {
    for (const scan of rest) await store(scan);
  };
  await Promise.all(Array.from({ length: window }, lane));
}
