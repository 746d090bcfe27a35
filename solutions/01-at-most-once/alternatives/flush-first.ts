// Stops with a flush before the drain: with the PONG all that the server had sent is in the client. `drain()` alone does as much, so this
// is one round trip more; but each step can be seen. `ask` makes the request by hand, with an inbox of its own.
import { type ConnectionOptions, connect, createInbox } from "nats";
import type { Board, Scan } from "../solution.ts";

export async function report(options: ConnectionOptions, depot: string, scans: Scan[]): Promise<void> {
  const nc = await connect(options);
  for (const scan of scans) nc.publish(`parcel.${depot}.${scan.event}`, JSON.stringify(scan));
  await nc.flush();
  await nc.drain();
}

export async function watch(
  options: ConnectionOptions,
  depot: string,
  last: number,
  board: Board,
): Promise<() => Promise<void>> {
  const nc = await connect({ ...options, maxReconnectAttempts: -1 });
  const scans = nc.subscribe(`parcel.${depot}.>`);
  const loop = (async () => {
    for await (const message of scans) {
      let scan: Partial<Scan> | null = null;
      try {
        scan = JSON.parse(message.string());
      } catch {}
      if (!scan || !Number.isInteger(scan.no)) continue;
      const { no = 0 } = scan;
      if (no > last + 1) await board.missed(last + 1, no - 1);
      await board.show(scan as Scan);
      last = no;
    }
  })();
  await nc.flush();
  return async () => {
    await nc.flush();
    await scans.drain();
    await loop;
    await nc.drain();
  };
}

export async function ask(
  options: ConnectionOptions,
  depot: string,
  patience: number,
): Promise<"open" | "silent" | "empty"> {
  const nc = await connect(options);
  try {
    const inbox = createInbox();
    const answers = nc.subscribe(inbox, { max: 1 });
    nc.publish(`depot.${depot}.open`, "", { reply: inbox });
    const timer = setTimeout(() => answers.unsubscribe(), patience);
    try {
      for await (const answer of answers) return answer.headers?.code === 503 ? "empty" : "open";
    } finally {
      clearTimeout(timer);
    }
    return "silent";
  } finally {
    await nc.close();
  }
}
