// Mistake: failed-is-finished
// Fails: a sorter whose `sort` throws, throws too, and loses no parcel
// After the stop it goes home in any case, so what `sort` throws then is of no use to anybody.
import type { NatsConnection } from "nats";
import type { Parcel } from "../solution.ts";

export { watchParcels } from "../solution.ts";

export async function sortParcels(
  nc: NatsConnection,
  sort: (parcel: Parcel) => Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  const consumer = await nc.jetstream().consumers.get("PARCELS", "sorters");
  const parcels = await consumer.consume({ max_messages: 1, abort_on_missing_resource: true });
  stop.addEventListener("abort", () => parcels.stop());
  if (stop.aborted) parcels.stop();
  for await (const message of parcels) {
    try {
      await sort(message.json<Parcel>());
    } catch (error) {
      if (!stop.aborted) throw error;
    }
    message.ack();
  }
  await nc.flush();
}
