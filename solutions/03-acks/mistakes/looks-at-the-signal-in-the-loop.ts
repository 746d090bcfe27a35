// Mistake: a-loop-sees-the-signal
// Fails: a van that has nothing to do goes home when it is told
// The signal is looked at after each parcel. A loop that waits for a parcel looks at nothing.
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

  const parcels = await consumer.consume({ max_messages: 1 });

  for await (const message of parcels) {
    if (stop.aborted) {
      message.nak();
      break;
    }
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
    if (stop.aborted) break;
  }
  await nc.flush();
}
