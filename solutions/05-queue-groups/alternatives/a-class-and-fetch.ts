// One class for whoever works and stops, and a van that fetches one parcel after the other.
import { AckPolicy, type Consumer, type NatsConnection, type NatsError, nanos } from "nats";
import type { Tries } from "../solution.ts";

/** Handles messages one after the other, until it is stopped. */
class Worker<M> {
  readonly #done: Promise<void>;

  constructor(
    messages: AsyncIterable<M>,
    private readonly noMore: () => Promise<void>,
    handle: (message: M) => Promise<void>,
  ) {
    this.#done = (async () => {
      for await (const message of messages) await handle(message);
    })();
  }

  async stop(): Promise<void> {
    await this.noMore();
    await this.#done;
  }
}

export async function answer(nc: NatsConnection, print: (parcel: string) => Promise<string>) {
  const requests = nc.subscribe("label.*", { queue: "printers" });
  const worker = new Worker(
    requests,
    () => requests.drain(),
    async (request) => void request.respond(await print(request.string())),
  );
  await nc.flush();
  return async () => {
    await worker.stop();
    await nc.drain();
  };
}

export async function ask(
  nc: NatsConnection,
  depot: string,
  parcel: string,
  how: Tries,
): Promise<string | undefined> {
  if (how.tries === 0) return undefined;
  const started = Date.now();
  try {
    const reply = await nc.request(`label.${depot}`, parcel, { timeout: how.patience });
    return reply.string();
  } catch (error) {
    if (!["503", "TIMEOUT"].includes((error as NatsError).code)) throw error;
    const rest = how.patience - (Date.now() - started);
    if (rest > 0) await new Promise((resolve) => setTimeout(resolve, rest));
    return ask(nc, depot, parcel, { ...how, tries: how.tries - 1 });
  }
}

export async function drive(nc: NatsConnection, load: (parcel: string) => Promise<void>, patience: number) {
  const manager = await nc.jetstreamManager();
  await manager.consumers.add("PARCELS", {
    durable_name: "vans",
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(patience),
  });
  const shift = { over: false };
  const worker = new Worker(
    oneByOne(await nc.jetstream().consumers.get("PARCELS", "vans"), shift),
    async () => {
      shift.over = true;
    },
    async (parcel) => {
      await load(parcel.string());
      await parcel.ackAck();
    },
  );
  return () => worker.stop();
}

/** Fetches one message when the one before has been handled. An empty fetch ends after a second. */
async function* oneByOne(consumer: Consumer, shift: { over: boolean }) {
  while (!shift.over) yield* await consumer.fetch({ max_messages: 1, expires: 1_000 });
}
