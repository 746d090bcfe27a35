// `next()` asks for one message and throws when the consumer is gone: the plainest loop there is. Each parcel costs a round trip, and
// a stop may have to wait for the last request to run out. The screen reads with an ordered pull consumer, as version 3 does.
import type { NatsConnection } from "nats";
import type { Parcel } from "../solution.ts";

export async function sortParcels(
  nc: NatsConnection,
  sort: (parcel: Parcel) => Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  const consumer = await nc.jetstream().consumers.get("PARCELS", "sorters");
  while (!stop.aborted) {
    const message = await consumer.next({ expires: 1_000 });
    if (!message) continue;
    if (stop.aborted) {
      // It came too late: at once to somebody else.
      message.nak();
      break;
    }
    await sort(message.json<Parcel>());
    await message.ackAck();
  }
  await nc.flush();
}

export async function watchParcels(
  nc: NatsConnection,
  show: (parcel: Parcel) => Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  const consumer = await nc.jetstream().consumers.get("PARCELS");
  const parcels = await consumer.consume();
  stop.addEventListener("abort", () => parcels.stop());
  if (stop.aborted) parcels.stop();
  for await (const message of parcels) {
    if (stop.aborted) break;
    await show(message.json<Parcel>());
  }
}
