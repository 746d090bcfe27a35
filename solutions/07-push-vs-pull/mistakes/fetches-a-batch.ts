// Mistake: one-worker-hogs
// Fails: three sorters share the parcels, and a fourth gets its part
// A batch spares round trips. It also takes nine parcels that nobody else can have.
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
    const batch = await consumer.fetch({ max_messages: 10, expires: 1_000 });
    for await (const message of batch) {
      if (stop.aborted) {
        message.nak();
        continue;
      }
      await sort(message.json<Parcel>());
      message.ack();
    }
  }
  await nc.flush();
}
