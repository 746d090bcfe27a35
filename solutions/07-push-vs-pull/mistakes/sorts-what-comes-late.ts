// Mistake: asked-before-the-stop
// Fails: a sorter that was told to stop leaves a parcel that comes then
// Each round begins with a look at the stop, and a pull waits a second at most.
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
    if (!message) continue;
    await sort(message.json<Parcel>());
    message.ack();
  }
  await nc.flush();
}
