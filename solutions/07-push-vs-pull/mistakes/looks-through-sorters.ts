// Mistake: a-consumer-is-a-window
// Fails: the screen takes nothing from the sorters and leaves nothing behind
// There is a consumer already that has all parcels, so it is used.
import type { NatsConnection } from "nats";
import type { Parcel } from "../solution.ts";

export { sortParcels } from "../solution.ts";

export async function watchParcels(
  nc: NatsConnection,
  show: (parcel: Parcel) => Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  const consumer = await nc.jetstream().consumers.get("PARCELS", "sorters");
  const parcels = await consumer.consume();
  stop.addEventListener("abort", () => parcels.stop());
  if (stop.aborted) parcels.stop();
  for await (const message of parcels) {
    if (stop.aborted) break;
    await show(message.json<Parcel>());
    message.ack();
  }
}
