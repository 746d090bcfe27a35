// Mistake: silence-means-no-work
// Fails: a sorter whose consumer is deleted says so
// One parcel at a time is right. That a consumer can be deleted is not thought of.
import type { NatsConnection } from "nats";
import type { Parcel } from "../solution.ts";

export { watchParcels } from "../solution.ts";

export async function sortParcels(
  nc: NatsConnection,
  sort: (parcel: Parcel) => Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  const consumer = await nc.jetstream().consumers.get("PARCELS", "sorters");
  const parcels = await consumer.consume({ max_messages: 1 });
  stop.addEventListener("abort", () => parcels.stop());
  if (stop.aborted) parcels.stop();
  for await (const message of parcels) {
    await sort(message.json<Parcel>());
    message.ack();
  }
  await nc.flush();
}
