// Mistake: one-sign-is-enough
// Fails: a long inspection is not given to a second van
// working() tells the server that the parcel is being worked on. Why would one say it twice?
import type { JsMsg, NatsConnection } from "nats";
import type { Parcel, Rules } from "../solution.ts";

export async function runDelivery(
  nc: NatsConnection,
  deliver: (parcel: Parcel) => Promise<void>,
  rules: Rules,
  stop: AbortSignal,
): Promise<void> {
  const js = nc.jetstream();
  const consumer = await js.consumers.get("PARCELS", "delivery");

  const work = async (message: JsMsg): Promise<boolean> => {
    message.working();
    try {
      await deliver(message.json<Parcel>());
      return true;
    } catch {
      return false;
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
  await nc.flush();
}
