// Mistake: batch-waits-for-the-slowest
// Fails: customs is kept busy
// Four places, so four parcels at once, and then the next four.
import { AckPolicy, type JsMsg, type NatsConnection } from "nats";
import type { Customs, Parcel } from "../solution.ts";

export { openPrinter, upload } from "../solution.ts";

export async function runCustoms(nc: NatsConnection, customs: Customs, stop: AbortSignal): Promise<void> {
  const js = nc.jetstream();
  const manager = await nc.jetstreamManager();
  await manager.consumers.add("PARCELS", {
    durable_name: "customs",
    ack_policy: AckPolicy.Explicit,
    max_ack_pending: customs.places,
  });

  const declare = async (message: JsMsg): Promise<void> => {
    try {
      await customs.declare(message.json<Parcel>());
      message.ack();
    } catch {
      await js.publish(`refused.${message.subject}`, message.data);
      message.term();
    }
  };

  const consumer = await js.consumers.get("PARCELS", "customs");
  while (!stop.aborted) {
    const batch: Promise<void>[] = [];
    const parcels = await consumer.fetch({ max_messages: customs.places, expires: 1_000 });
    for await (const message of parcels) batch.push(declare(message));
    await Promise.all(batch);
  }
  await nc.flush();
}
