// Mistake: ack-before-work
// Fails: a van that breaks down loses no parcel
// The message has arrived, so it is acknowledged: that is what the word says.
import type { NatsConnection } from "nats";
import type { Parcel, Rules } from "../solution.ts";

export async function runDelivery(
  nc: NatsConnection,
  deliver: (parcel: Parcel) => Promise<void>,
  rules: Rules,
  stop: AbortSignal,
): Promise<void> {
  const js = nc.jetstream();
  const consumer = await js.consumers.get("PARCELS", "delivery");

  const parcels = await consumer.consume({ max_messages: 1 });
  stop.addEventListener("abort", () => void parcels.close());
  if (stop.aborted) void parcels.close();

  for await (const message of parcels) {
    message.ack();
    try {
      await deliver(message.json<Parcel>());
    } catch {
      if (message.info.deliveryCount < rules.tries) {
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
  }
  await nc.flush();
}
