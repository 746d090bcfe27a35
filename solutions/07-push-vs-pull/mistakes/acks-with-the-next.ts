// Mistake: sorted-is-done
// Fails: three sorters share the parcels, and a fourth gets its part
// Acks a parcel when the next one is there: the last one is sorted, and lies without an ack.
import type { JsMsg, NatsConnection } from "nats";
import type { Parcel } from "../solution.ts";

export { watchParcels } from "../solution.ts";

export async function sortParcels(
  nc: NatsConnection,
  sort: (parcel: Parcel) => Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  const consumer = await nc.jetstream().consumers.get("PARCELS", "sorters");
  let sorted: JsMsg | undefined;
  while (!stop.aborted) {
    const message = await consumer.next({ expires: 1_000 });
    if (!message) continue;
    sorted?.ack();
    sorted = undefined;
    if (stop.aborted) {
      message.nak();
      break;
    }
    await sort(message.json<Parcel>());
    sorted = message;
  }
  sorted?.ack();
  await nc.flush();
}
