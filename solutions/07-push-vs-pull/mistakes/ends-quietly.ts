// Mistake: the-end-means-done
// Fails: a sorter whose consumer is deleted says so
// The consumer is gone, so there is nothing more to do.
import type { JsMsg, NatsConnection } from "nats";
import type { Parcel } from "../solution.ts";

export { watchParcels } from "../solution.ts";

export async function sortParcels(
  nc: NatsConnection,
  sort: (parcel: Parcel) => Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  const consumer = await nc.jetstream().consumers.get("PARCELS", "sorters");
  while (!stop.aborted) {
    let message: JsMsg | null;
    try {
      message = await consumer.next({ expires: 1_000 });
    } catch {
      break;
    }
    if (!message) continue;
    if (stop.aborted) {
      message.nak();
      break;
    }
    await sort(message.json<Parcel>());
    message.ack();
  }
  await nc.flush();
}
