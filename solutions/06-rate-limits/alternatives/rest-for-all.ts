// The upload rests as a whole: when the server is busy, all lanes wait together, and then the refused scans go first. It sends the server
// fewer scans in vain, and loses a little time when only one scan was refused.
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
  let rest = Promise.resolve();
  let resting = false;
  const restForAll = () => {
    if (resting) return;
    resting = true;
    rest = new Promise((resolve) => setTimeout(resolve, 20)).then(() => {
      resting = false;
    });
  };
  const store = async (scan: Scan): Promise<void> => {
    for (;;) {
      await rest;
      try {
        await js.publish(`scan.${depot}`, JSON.stringify(scan), { msgID: `${depot}-${scan.no}` });
        return;
      } catch (error) {
        if ((error as NatsError).api_error?.code !== 429) throw error;
        restForAll();
      }
    }
  };
  const left = scans.values();
  const lane = async (): Promise<void> => {
    for (const scan of left) await store(scan);
  };
  await Promise.all(Array.from({ length: window }, lane));
}
