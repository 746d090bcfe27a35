// Mistake: json-means-scan
// Fails: a message that is not a scan does not stop the board
// The check of `no` stands outside of the try block, and null has no properties at all.
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
      if (scan.no === undefined) continue;
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
