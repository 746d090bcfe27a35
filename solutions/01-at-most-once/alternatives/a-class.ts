// A class that owns the connection, and `nc.drain()` for everything. More lines, but start, work and stop each have a
// place, which helps once the board has more to do than show scans.
import {
  type ConnectionOptions,
  connect,
  headers,
  type Msg,
  type NatsConnection,
  NatsError,
  type Subscription,
} from "nats";
import type { Board, Scan } from "../solution.ts";

export async function report(options: ConnectionOptions, depot: string, scans: Scan[]): Promise<void> {
  const nc = await connect(options);
  try {
    for (const scan of scans) {
      const about = headers();
      about.set("Parcel", scan.parcel);
      nc.publish(["parcel", depot, scan.event].join("."), JSON.stringify(scan), { headers: about });
      await nc.flush();
    }
  } finally {
    await nc.close();
  }
}

export async function watch(options: ConnectionOptions, depot: string, last: number, board: Board) {
  const watcher = new Watcher(depot, last, board);
  await watcher.start(options);
  return () => watcher.stop();
}

class Watcher {
  #nc?: NatsConnection;
  #working: Promise<void>[] = [];
  #last: number;

  constructor(
    private readonly depot: string,
    last: number,
    private readonly board: Board,
  ) {
    this.#last = last;
  }

  async start(options: ConnectionOptions): Promise<void> {
    this.#nc = await connect({
      ...options,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 2_000,
      waitOnFirstConnect: true,
    });
    this.#working.push(this.#work(this.#nc.subscribe(`parcel.${this.depot}.*`)));
    await this.#nc.flush();
  }

  async stop(): Promise<void> {
    await this.#nc?.drain();
    await Promise.all(this.#working);
  }

  async #work(messages: Subscription): Promise<void> {
    for await (const message of messages) {
      const scan = this.#read(message);
      if (scan === undefined) continue;
      const expected = this.#last + 1;
      if (scan.no > expected) await this.board.missed(expected, scan.no - 1);
      this.#last = Math.max(this.#last, scan.no);
      await this.board.show(scan);
    }
  }

  #read(message: Msg): Scan | undefined {
    try {
      const scan = JSON.parse(message.string()) as Scan;
      return typeof scan.no === "number" ? scan : undefined;
    } catch {
      return undefined;
    }
  }
}

export async function ask(
  options: ConnectionOptions,
  depot: string,
  patience: number,
): Promise<"open" | "silent" | "empty"> {
  const nc = await connect(options);
  const answer = await nc.request(`depot.${depot}.open`, "", { timeout: patience }).then(
    () => "open" as const,
    (error: unknown) => {
      if (!(error instanceof NatsError)) throw error;
      return error.code === "503" ? ("empty" as const) : ("silent" as const);
    },
  );
  await nc.drain();
  return answer;
}
