// Mistake: failed-is-finished
// Fails: a sorter whose `sort` throws, throws too, and loses no parcel
// One bad parcel must not stop the sorter: it is logged, and the next one comes.
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
      console.error("could not be sorted:", (error as Error).message);
    }
    message.ack();
  }
  await nc.flush();
}
