// Mistake: subscribe-is-immediate
// Fails: a board hears everything from the moment that watch is done
// subscribe() hands back a subscription at once, so it seems to be in force.
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
        if (typeof scan.no !== "number") continue;
      } catch {
        continue;
      }
      if (scan.no > last + 1) await board.missed(last + 1, scan.no - 1);
      last = scan.no;
      await board.show(scan);
    }
  })();

  return async () => {
    await subscription.drain();
    await done;
    await nc.close();
  };
}
