// Mistake: limit-per-worker
// Fails: customs never has more than four parcels, however many workers there are
// A worker that never has more than four at once: the limit is in the code, for everybody to see.
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
  const atCustoms = new Set<Promise<void>>();
  for await (const message of parcels) {
    const declaring = declare(message).finally(() => atCustoms.delete(declaring));
    atCustoms.add(declaring);
    if (atCustoms.size >= customs.places) await Promise.race(atCustoms);
  }
  await Promise.all(atCustoms);
  await nc.flush();
}
