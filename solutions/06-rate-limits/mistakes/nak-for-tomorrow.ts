// Mistake: nak-frees-the-place
// Fails: a refused parcel gives its place back
// Refused today, tried again tomorrow: a nak with a long delay, so that it is out of the way.
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
      message.nak(24 * 60 * 60 * 1_000);
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
