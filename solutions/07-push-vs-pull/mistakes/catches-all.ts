// Mistake: silence-means-no-work
// Fails: a sorter whose consumer is deleted says so
// An error of `next` is taken for "nothing there yet", and the loop goes on.
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
    const message = await consumer.next({ expires: 1_000 }).catch(() => null);
    if (!message) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      continue;
    }
    if (stop.aborted) {
      message.nak();
      break;
    }
    await sort(message.json<Parcel>());
    message.ack();
  }
  await nc.flush();
}
