// Mistake: no-message-means-nothing-happened
// Fails: a board that was switched off knows what it missed
// What arrives is shown. What does not arrive is not there to be noticed.
import { type ConnectionOptions, connect } from "nats";
import type { Board, Scan } from "../solution.ts";

export { ask, report } from "../solution.ts";

export async function watch(
  options: ConnectionOptions,
  depot: string,
  _last: number,
  board: Board,
): Promise<() => Promise<void>> {
  const nc = await connect({ ...options, maxReconnectAttempts: -1 });
  const subscription = nc.subscribe(`parcel.${depot}.*`);
  const done = (async () => {
    for await (const message of subscription) {
      let scan: Scan;
      try {
        scan = message.json<Scan>();
        if (typeof scan.no !== "number") continue;
      } catch {
        continue;
      }
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
