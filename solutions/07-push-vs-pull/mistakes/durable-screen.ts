// Mistake: a-screen-must-be-remembered
// Fails: the screen takes nothing from the sorters and leaves nothing behind
// Durable sounds safe. One message at a time and short waits keep the order, and the consumer stays for ever.
import { AckPolicy, type NatsConnection, nanos, nuid } from "nats";
import type { Parcel } from "../solution.ts";

export { sortParcels } from "../solution.ts";

export async function watchParcels(
  nc: NatsConnection,
  show: (parcel: Parcel) => Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  const name = `screen-${nuid.next()}`;
  const jsm = await nc.jetstreamManager();
  await jsm.consumers.add("PARCELS", {
    durable_name: name,
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(1_000),
    max_ack_pending: 1,
  });
  const consumer = await nc.jetstream().consumers.get("PARCELS", name);
  const parcels = await consumer.consume();
  let last = 0;
  stop.addEventListener("abort", () => parcels.stop());
  if (stop.aborted) parcels.stop();
  for await (const message of parcels) {
    if (stop.aborted) break;
    if (message.seq > last) await show(message.json<Parcel>());
    last = Math.max(last, message.seq);
    message.ack();
  }
}
