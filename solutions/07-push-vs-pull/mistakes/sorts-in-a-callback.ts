// Mistake: a-callback-is-awaited
// Fails: three sorters share the parcels, and a fourth gets its part
// The callback is async and awaits `sort`. Who calls it does not.
import type { NatsConnection } from "nats";
import type { Parcel } from "../solution.ts";

export { watchParcels } from "../solution.ts";

export async function sortParcels(
  nc: NatsConnection,
  sort: (parcel: Parcel) => Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  const consumer = await nc.jetstream().consumers.get("PARCELS", "sorters");
  const parcels = await consumer.consume({
    max_messages: 1,
    abort_on_missing_resource: true,
    callback: async (message) => {
      await sort(message.json<Parcel>());
      message.ack();
    },
  });
  stop.addEventListener("abort", () => parcels.stop());
  if (stop.aborted) parcels.stop();
  const error = await parcels.closed();
  if (error) throw error;
  await nc.flush();
}
