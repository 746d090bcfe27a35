// Mistake: asked-before-the-stop
// Fails: a van that was told to stop takes no parcel that comes then
// Each round begins with a look at the signal, and a pull waits a second at most.
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

  while (!stop.aborted) {
    const message = await consumer.next({ expires: 1_000 });
    if (!message) continue;
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
