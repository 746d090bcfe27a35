// Mistake: stop-means-now
// Fails: the screen shows one parcel at a time, and none after it was told to stop
// Told to stop, the screen does not wait for what it is showing.
import { consumerOpts, type NatsConnection } from "nats";
import type { Parcel } from "../solution.ts";

export { sortParcels } from "../solution.ts";

export async function watchParcels(
  nc: NatsConnection,
  show: (parcel: Parcel) => Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  const parcels = await nc.jetstream().subscribe("parcel.>", consumerOpts().orderedConsumer());
  const stopped = new Promise<void>((resolve) => {
    stop.addEventListener("abort", () => resolve());
    if (stop.aborted) resolve();
  });
  stop.addEventListener("abort", () => parcels.unsubscribe());
  if (stop.aborted) parcels.unsubscribe();
  for await (const message of parcels) {
    if (stop.aborted) break;
    await Promise.race([show(message.json<Parcel>()), stopped]);
  }
}
