// Mistake: the-loop-sees-stop
// Fails: a sorter that waits for a parcel returns when it is told to stop
// The loop looks at the stop whenever a parcel comes. None comes at night.
import type { NatsConnection } from "nats";
import type { Parcel } from "../solution.ts";

export { watchParcels } from "../solution.ts";

export async function sortParcels(
  nc: NatsConnection,
  sort: (parcel: Parcel) => Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  const consumer = await nc.jetstream().consumers.get("PARCELS", "sorters");
  const parcels = await consumer.consume({ max_messages: 1, abort_on_missing_resource: true });
  for await (const message of parcels) {
    if (stop.aborted) {
      message.nak();
      break;
    }
    await sort(message.json<Parcel>());
    message.ack();
    if (stop.aborted) break;
  }
  parcels.stop();
  await nc.flush();
}
