// Reads what the consumer reports about itself, instead of letting it throw: more lines, but a place to log lost heartbeats, too. The
// screen uses a callback, and a chain of promises to keep the order.
import { ConsumerEvents, consumerOpts, type JsMsg, type NatsConnection } from "nats";
import type { Parcel } from "../solution.ts";

/** What the server says of a consumer that is gone: to a pull that waits, to the next pull, and to the question that follows silence. */
const gone = [ConsumerEvents.ConsumerDeleted, ConsumerEvents.NoResponders, ConsumerEvents.ConsumerNotFound];

export async function sortParcels(
  nc: NatsConnection,
  sort: (parcel: Parcel) => Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  const consumer = await nc.jetstream().consumers.get("PARCELS", "sorters");
  const parcels = await consumer.consume({ max_messages: 1 });
  const end = () => parcels.stop();
  stop.addEventListener("abort", end);
  if (stop.aborted) end();
  let news: string | undefined;
  const watching = (async () => {
    for await (const status of await parcels.status()) {
      if (!(gone as string[]).includes(status.type)) continue;
      news = String(status.data);
      end();
      return;
    }
  })();
  for await (const message of parcels) {
    await sort(message.json<Parcel>());
    message.ack();
  }
  await nc.flush();
  if (news !== undefined) {
    await watching;
    throw new Error(`The consumer sorters is gone: ${news}`);
  }
}

export async function watchParcels(
  nc: NatsConnection,
  show: (parcel: Parcel) => Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  let queue = Promise.resolve();
  const options = consumerOpts().orderedConsumer();
  options.callback((error, message: JsMsg | null) => {
    if (error || !message) return;
    queue = queue.then(async () => {
      if (!stop.aborted) await show(message.json<Parcel>());
    });
  });
  const parcels = await nc.jetstream().subscribe("parcel.>", options);
  await new Promise<void>((resolve) => {
    if (stop.aborted) resolve();
    stop.addEventListener("abort", () => resolve());
  });
  parcels.unsubscribe();
  await queue;
}
