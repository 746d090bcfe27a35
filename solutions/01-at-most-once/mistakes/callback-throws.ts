// Mistake: every-message-is-well-formed
// Fails: a message that is not a scan does not stop the board
// The same with a callback. Nothing is thrown anywhere that the program can see: the subscription is just dead.
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
  let queue: Promise<void> = Promise.resolve();
  nc.subscribe(`parcel.${depot}.*`, {
    callback: (_error, message) => {
      const scan = JSON.parse(message.string()) as Scan;
      queue = queue.then(async () => {
        if (scan.no > last + 1) await board.missed(last + 1, scan.no - 1);
        last = scan.no;
        await board.show(scan);
      });
    },
  });
  await nc.flush();
  return async () => {
    await nc.drain();
    await queue;
  };
}
