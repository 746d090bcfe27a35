// Mistake: json-means-scan
// Fails: a message that is not a scan does not stop the board
// Number("7") is 7, and so is the number of this scan. But Number(null) is 0: what has no number gets one.
import { type ConnectionOptions, connect } from "nats";
import type { Board, Scan } from "../solution.ts";

export { ask, report } from "../solution.ts";

export async function watch(
  options: ConnectionOptions,
  depot: string,
  last: number,
  board: Board,
): Promise<() => Promise<void>> {
  const nc = await connect({ ...options, maxReconnectAttempts: -1 });
  const subscription = nc.subscribe(`parcel.${depot}.*`);
  const done = (async () => {
    for await (const message of subscription) {
      let scan: Scan;
      try {
        scan = message.json<Scan>();
      } catch {
        continue;
      }
      if (Number.isNaN(Number(scan?.no))) continue;
      if (scan.no > last + 1) await board.missed(last + 1, scan.no - 1);
      last = scan.no;
      await board.show(scan);
    }
  })();
  await nc.flush();
  return async () => {
    await subscription.drain();
    await done;
    await nc.close();
  };
}
