// Mistake: only-the-dead-are-redelivered
// Fails: customs never has more than four parcels, however many workers there are
// When a worker dies, its parcels shall not wait for long.
import { AckPolicy, type JsMsg, type NatsConnection, nanos } from "nats";
import type { Customs, Parcel } from "../solution.ts";

export { openPrinter, upload } from "../solution.ts";

export async function runCustoms(nc: NatsConnection, customs: Customs, stop: AbortSignal): Promise<void> {
  const js = nc.jetstream();
  const manager = await nc.jetstreamManager();
  await manager.consumers.add("PARCELS", {
    durable_name: "customs",
    ack_policy: AckPolicy.Explicit,
    max_ack_pending: customs.places,
    ack_wait: nanos(2_000),
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
  if (stop.aborted) return;
  const parcels = await consumer.consume({ max_messages: customs.places });
  stop.addEventListener("abort", () => void parcels.close(), { once: true });
  const atCustoms: Promise<void>[] = [];
  for await (const message of parcels) atCustoms.push(declare(message));
  await Promise.all(atCustoms);
  await nc.flush();
}
