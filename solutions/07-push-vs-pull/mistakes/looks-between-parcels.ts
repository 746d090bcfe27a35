// Mistake: the-loop-sees-stop
// Fails: a sorter that waits for a parcel returns when it is told to stop
// Each round begins with a look at the stop. A call in between waits for up to 30 seconds.
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
    const message = await consumer.next();
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
