// One class for whoever works and stops, and the legacy push API for the vans: a durable consumer with a deliver group, which is the
// queue group of JetStream. The server pushes; a van cannot say how much it wants. New programs pull.
import { consumerOpts, type NatsConnection, type NatsError } from "nats";
import type { Tries } from "../solution.ts";

/** Handles messages one after the other, until it is stopped. */
class Worker<M> {
  readonly #done: Promise<void>;

  constructor(
    private readonly messages: AsyncIterable<M> & { drain(): Promise<void> },
    handle: (message: M) => Promise<void>,
  ) {
    this.#done = (async () => {
      for await (const message of messages) await handle(message);
    })();
  }

  async stop(): Promise<void> {
    await this.messages.drain();
    await this.#done;
  }
}

export async function answer(nc: NatsConnection, print: (parcel: string) => Promise<string>) {
  const worker = new Worker(nc.subscribe("label.>", { queue: "printers" }), async (request) => {
    request.respond(await print(request.string()));
  });
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
  const options = consumerOpts();
  options.durable("vans");
  options.queue("vans");
  options.deliverTo("vans.deliver");
  options.deliverAll();
  options.ackExplicit();
  options.ackWait(patience);
  options.manualAck();
  const worker = new Worker(await nc.jetstream().subscribe("parcel.*.ready", options), async (parcel) => {
    await load(parcel.string());
    parcel.ack();
  });
  return async () => {
    await worker.stop();
    await nc.flush();
  };
}
