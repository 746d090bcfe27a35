// Mistake: the-loop-sees-stop
// Fails: the screen takes nothing from the sorters and leaves nothing behind
// The loop looks at the stop whenever a parcel comes.
import { consumerOpts, type NatsConnection } from "nats";
import type { Parcel } from "../solution.ts";

export { sortParcels } from "../solution.ts";

export async function watchParcels(
  nc: NatsConnection,
  show: (parcel: Parcel) => Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  const parcels = await nc.jetstream().subscribe("parcel.>", consumerOpts().orderedConsumer());
  for await (const message of parcels) {
    if (stop.aborted) break;
    await show(message.json<Parcel>());
    if (stop.aborted) break;
  }
  parcels.unsubscribe();
}
