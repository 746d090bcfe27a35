// Callbacks instead of an iterator. A callback cannot make the client wait, so the board keeps its own queue: a chain of
// promises. Shorter to start with, but errors and order are yours to look after.
import { type ConnectionOptions, connect } from "nats";
import type { Board, Scan } from "../solution.ts";

export { ask } from "../solution.ts";

export async function report(options: ConnectionOptions, depot: string, scans: Scan[]): Promise<void> {
  const nc = await connect(options);
  for (const scan of scans) {
    nc.publish(`parcel.${depot}.${scan.event}`, new TextEncoder().encode(JSON.stringify(scan)));
  }
  await nc.flush();
  await nc.close();
}

export async function watch(
  options: ConnectionOptions,
  depot: string,
  last: number,
  board: Board,
): Promise<() => Promise<void>> {
  const nc = await connect({ ...options, maxReconnectAttempts: -1 });
  let queue: Promise<void> = Promise.resolve();
  nc.subscribe(`parcel.${depot}.>`, {
    callback: (error, message) => {
      if (error) return;
      let scan: Scan;
      try {
        scan = message.json();
        if (typeof scan.no !== "number") return;
      } catch {
        return;
      }
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
