// Mistake: an-empty-pull-is-the-end
// Fails: a sorter that waits for a parcel returns when it is told to stop
// No parcel within a second: the belt is empty, so the sorter goes home.
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
    const message = await consumer.next({ expires: 1_000 });
    if (!message) break;
    if (stop.aborted) {
      message.nak();
      break;
    }
    await sort(message.json<Parcel>());
    message.ack();
  }
  await nc.flush();
}
