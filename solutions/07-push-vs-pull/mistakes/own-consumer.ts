// Mistake: consumer-per-worker
// Fails: three sorters share the parcels, and a fourth gets its part
// Each sorter is a program of its own, so it gets a consumer of its own.
import { AckPolicy, type NatsConnection, nuid } from "nats";
import type { Parcel } from "../solution.ts";

export { watchParcels } from "../solution.ts";

export async function sortParcels(
  nc: NatsConnection,
  sort: (parcel: Parcel) => Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  const name = `sorters-${nuid.next()}`;
  const jsm = await nc.jetstreamManager();
  await jsm.consumers.add("PARCELS", { durable_name: name, ack_policy: AckPolicy.Explicit });
  const consumer = await nc.jetstream().consumers.get("PARCELS", name);
  const parcels = await consumer.consume({ max_messages: 1, abort_on_missing_resource: true });
  stop.addEventListener("abort", () => parcels.stop());
  if (stop.aborted) parcels.stop();
  for await (const message of parcels) {
    await sort(message.json<Parcel>());
    message.ack();
  }
  await nc.flush();
}
