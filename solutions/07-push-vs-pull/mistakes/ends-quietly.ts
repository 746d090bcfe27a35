// Mistake: the-end-means-done
// Fails: a sorter whose consumer is deleted says so
// The consumer is gone, so there is nothing more to do.
import type { NatsConnection } from "nats";
import type { Parcel } from "../solution.ts";

export { watchParcels } from "../solution.ts";

export async function sortParcels(
  nc: NatsConnection,
  sort: (parcel: Parcel) => Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  const consumer = await nc.jetstream().consumers.get("PARCELS", "sorters");
  while (!stop.aborted) {
    try {
      const message = await consumer.next({ expires: 1_000 });
      if (!message) continue;
      await sort(message.json<Parcel>());
      message.ack();
    } catch {
      break;
    }
  }
  await nc.flush();
}
