// Mistake: deleted-has-one-name
// Fails: a sorter whose consumer is deleted says so
// A consumer that is deleted is an event with that name, so that is the event to watch for.
import { ConsumerEvents, type NatsConnection } from "nats";
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
  let deleted = false;
  void (async () => {
    for await (const status of await parcels.status()) {
      if (status.type !== ConsumerEvents.ConsumerDeleted) continue;
      deleted = true;
      parcels.stop();
    }
  })();
  for await (const message of parcels) {
    await sort(message.json<Parcel>());
    message.ack();
  }
  await nc.flush();
  if (deleted) throw new Error("The consumer sorters was deleted");
}
