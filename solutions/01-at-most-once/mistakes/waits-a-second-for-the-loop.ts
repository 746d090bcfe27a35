// Mistake: drain-waits-for-my-code
// Fails: the last scans before closing time are shown
// It waits for its loop, but for a second at the most: what takes longer is taken for stuck.
import { setTimeout as sleep } from "node:timers/promises";
import { type ConnectionOptions, connect, type Msg } from "nats";
import type { Board, Scan } from "../solution.ts";

export { ask, report } from "../solution.ts";

export async function watch(
  options: ConnectionOptions,
  depot: string,
  last: number,
  board: Board,
): Promise<() => Promise<void>> {
  const nc = await connect({ ...options, maxReconnectAttempts: -1 });
  const scans = nc.subscribe(`parcel.${depot}.*`);
  const shown = (async () => {
    for await (const message of scans) {
      const scan = readScan(message);
      if (!scan) continue;
      if (scan.no > last + 1) await board.missed(last + 1, scan.no - 1);
      last = scan.no;
      await board.show(scan);
    }
  })();
  await nc.flush();
  return async () => {
    await nc.drain();
    await Promise.race([shown, sleep(1_000)]);
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
