// Mistake: unsubscribed-is-empty
// Fails: the screen shows one parcel at a time, and none after it was told to stop
// Unsubscribed, so that nothing more comes.
import { consumerOpts, type NatsConnection } from "nats";
import type { Parcel } from "../solution.ts";

export { sortParcels } from "../solution.ts";

export async function watchParcels(
  nc: NatsConnection,
  show: (parcel: Parcel) => Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  const parcels = await nc.jetstream().subscribe("parcel.>", consumerOpts().orderedConsumer());
  stop.addEventListener("abort", () => parcels.unsubscribe());
  if (stop.aborted) parcels.unsubscribe();
  for await (const message of parcels) {
    await show(message.json<Parcel>());
  }
}
