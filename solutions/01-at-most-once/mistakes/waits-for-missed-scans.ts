// Mistake: missed-messages-come-later
// Fails: a board that was switched off knows what it missed
// Scans are to be shown in order, so one that comes too early waits for those before it.
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
  const early = new Map<number, Scan>();
  const done = (async () => {
    for await (const message of subscription) {
      try {
        const scan = message.json<Scan>();
        if (typeof scan.no !== "number") continue;
        early.set(scan.no, scan);
      } catch {
        continue;
      }
      for (let next = early.get(last + 1); next; next = early.get(last + 1)) {
        early.delete(next.no);
        last = next.no;
        await board.show(next);
      }
    }
  })();
  await nc.flush();
  return async () => {
    await subscription.drain();
    await done;
    await nc.close();
  };
}
