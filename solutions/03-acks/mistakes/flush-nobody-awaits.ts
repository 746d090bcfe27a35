// Mistake: ack-means-sent
// Fails: the last parcel of the day counts
// The answer has to be with the server at the end of the day, so the van flushes. Nobody waits until that is done.
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
  void nc.flush();
}
