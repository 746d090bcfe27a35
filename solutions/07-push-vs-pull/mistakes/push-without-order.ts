// Mistake: push-loses-nothing
// Fails: the screen shows every parcel in order, also when its connection breaks
// A push consumer without acks: the screen only looks, so there is nothing to ack.
import { consumerOpts, createInbox, type NatsConnection } from "nats";
import type { Parcel } from "../solution.ts";

export { sortParcels } from "../solution.ts";

export async function watchParcels(
  nc: NatsConnection,
  show: (parcel: Parcel) => Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  const options = consumerOpts().deliverAll().ackNone().deliverTo(createInbox());
  const parcels = await nc.jetstream().subscribe("parcel.>", options);
  stop.addEventListener("abort", () => parcels.unsubscribe());
  if (stop.aborted) parcels.unsubscribe();
  for await (const message of parcels) {
    if (stop.aborted) break;
    await show(message.json<Parcel>());
  }
}
