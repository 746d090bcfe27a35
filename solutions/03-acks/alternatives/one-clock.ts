// Two loops that share the work: one takes parcels, one gives signs of life for whatever parcel is in hand. The signs need no timer for
// each parcel, and it is easy to add what a sign also does, such as telling a display how long the parcel takes.
import { type JsMsg, millis, type NatsConnection } from "nats";
import type { Parcel, Rules } from "../solution.ts";

export async function runDelivery(
  nc: NatsConnection,
  deliver: (parcel: Parcel) => Promise<void>,
  rules: Rules,
  stop: AbortSignal,
): Promise<void> {
  const js = nc.jetstream();
  const jsm = await nc.jetstreamManager();
  const { config } = await jsm.consumers.info("PARCELS", "delivery");
  const consumer = await js.consumers.get("PARCELS", "delivery");
  let inHand: JsMsg | undefined;
  const signs = setInterval(() => inHand?.working(), millis(config.ack_wait ?? 0) / 4);

  const parcels = await consumer.consume({ max_messages: 1, expires: 10_000 });
  stop.onabort = () => parcels.stop();
  if (stop.aborted) parcels.stop();
  try {
    for await (const message of parcels) {
      inHand = message;
      const outcome = await Promise.allSettled([deliver(JSON.parse(message.string()) as Parcel)]);
      inHand = undefined;
      if (outcome[0].status === "fulfilled") await message.ackAck();
      else if (message.info.redeliveryCount < rules.tries) message.nak(rules.retryAfterMs);
      else {
        const stored = await js
          .publish(["dead", message.subject].join("."), message.data)
          .catch(() => undefined);
        if (stored) message.ack();
        else message.nak(rules.retryAfterMs);
      }
    }
  } finally {
    clearInterval(signs);
  }
  await nc.drain();
}
