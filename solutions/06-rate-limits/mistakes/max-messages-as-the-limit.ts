// Mistake: limit-per-worker
// Fails: customs never has more than four parcels, however many workers there are
// max_messages sounds like the number of messages that may be out. It is the size of one client's order.
import { AckPolicy, type JsMsg, type NatsConnection } from "nats";
import type { Customs, Parcel } from "../solution.ts";

export { openPrinter, upload } from "../solution.ts";

export async function runCustoms(nc: NatsConnection, customs: Customs, stop: AbortSignal): Promise<void> {
  const js = nc.jetstream();
  const manager = await nc.jetstreamManager();
  await manager.consumers.add("PARCELS", {
    durable_name: "customs",
    ack_policy: AckPolicy.Explicit,
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
