// Mistake: one-worker-hogs
// Fails: three sorters share the parcels, and a fourth gets its part
// `consume()` without more, as every example has it: it asks for 100 messages.
import type { NatsConnection } from "nats";
import type { Parcel } from "../solution.ts";

export { watchParcels } from "../solution.ts";

export async function sortParcels(
  nc: NatsConnection,
  sort: (parcel: Parcel) => Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  const consumer = await nc.jetstream().consumers.get("PARCELS", "sorters");
  const parcels = await consumer.consume({ abort_on_missing_resource: true });
  stop.addEventListener("abort", () => parcels.stop());
  if (stop.aborted) parcels.stop();
  for await (const message of parcels) {
    await sort(message.json<Parcel>());
    message.ack();
  }
  await nc.flush();
}
