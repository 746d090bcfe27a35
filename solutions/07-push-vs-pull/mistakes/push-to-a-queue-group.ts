// Mistake: push-shares-fairly
// Fails: three sorters share the parcels, and a fourth gets its part
// A queue group shares messages among its members; pushed, they come without being asked for.
import { consumerOpts, type NatsConnection } from "nats";
import type { Parcel } from "../solution.ts";

export { watchParcels } from "../solution.ts";

export async function sortParcels(
  nc: NatsConnection,
  sort: (parcel: Parcel) => Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  const options = consumerOpts();
  options.durable("sorters-pushed").deliverTo("sorters.work").queue("sorters").manualAck().ackExplicit();
  const parcels = await nc.jetstream().subscribe("parcel.>", options);
  stop.addEventListener("abort", () => parcels.unsubscribe());
  if (stop.aborted) parcels.unsubscribe();
  for await (const message of parcels) {
    await sort(message.json<Parcel>());
    message.ack();
  }
  await nc.flush();
}
