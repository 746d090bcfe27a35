// Mistake: called-means-done
// Fails: the board says one thing after the other
// One loop for what goes in and one for what goes out. Each awaits what it calls, and knows nothing of the other.
import { type ConnectionOptions, connect, type Msg, type Subscription } from "nats";
import type { Board, Scan } from "../solution.ts";

export { ask, report } from "../solution.ts";

export async function watch(
  options: ConnectionOptions,
  depot: string,
  last: number,
  board: Board,
): Promise<() => Promise<void>> {
  const nc = await connect({ ...options, maxReconnectAttempts: -1 });
  const showAll = async (scans: Subscription) => {
    for await (const message of scans) {
      const scan = readScan(message);
      if (!scan) continue;
      const expected = last + 1;
      last = scan.no;
      if (scan.no > expected) await board.missed(expected, scan.no - 1);
      await board.show(scan);
    }
  };
  const loops = [showAll(nc.subscribe(`parcel.${depot}.in`)), showAll(nc.subscribe(`parcel.${depot}.out`))];
  await nc.flush();
  return async () => {
    await nc.drain();
    await Promise.all(loops);
  };
}

function readScan(message: Msg): Scan | undefined {
  try {
    const scan = message.json<Scan | null>();
    return typeof scan?.no === "number" ? scan : undefined;
  } catch {
    return undefined;
  }
}
