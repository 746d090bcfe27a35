// Mistake: the-client-takes-one-at-a-time
// Fails: parcels do not wait in a van that stands still
// The loop handles one parcel at a time, so it looks as if the van held one at a time. The client fetches 100 ahead.
import { type JsMsg, millis, type NatsConnection } from "nats";
import type { Parcel, Rules } from "../solution.ts";

export async function runDelivery(
  nc: NatsConnection,
  deliver: (parcel: Parcel) => Promise<void>,
  rules: Rules,
  stop: AbortSignal,
): Promise<void> {
  const js = nc.jetstream();
  const consumer = await js.consumers.get("PARCELS", "delivery");
  const ackWaitMs = millis((await consumer.info(true)).config.ack_wait ?? 0);

  const work = async (message: JsMsg): Promise<boolean> => {
    const signs = setInterval(() => message.working(), ackWaitMs / 3);
    try {
      await deliver(message.json<Parcel>());
      return true;
    } catch {
      return false;
    } finally {
      clearInterval(signs);
    }
  };

  const parcels = await consumer.consume();
  stop.addEventListener("abort", () => void parcels.close());
  if (stop.aborted) void parcels.close();

  for await (const message of parcels) {
    if (await work(message)) {
      message.ack();
    } else if (message.info.deliveryCount < rules.tries) {
      message.nak(rules.retryAfterMs);
    } else {
      try {
        await js.publish(`dead.${message.subject}`, message.data);
        message.term();
      } catch {
        message.nak(rules.retryAfterMs);
      }
    }
  }
  await nc.flush();
}
