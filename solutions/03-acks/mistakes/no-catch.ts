// Mistake: error-ends-the-van
// Fails: a parcel behind a closed door comes again later
// A client library catches what a handler throws: most of them do.
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

  const work = async (message: JsMsg): Promise<void> => {
    const signs = setInterval(() => message.working(), ackWaitMs / 3);
    await deliver(message.json<Parcel>()).finally(() => clearInterval(signs));
  };

  const parcels = await consumer.consume({ max_messages: 1 });
  stop.addEventListener("abort", () => void parcels.close());
  if (stop.aborted) void parcels.close();

  for await (const message of parcels) {
    if (message.info.deliveryCount > rules.tries) {
      await js.publish(`dead.${message.subject}`, message.data);
      message.term();
      continue;
    }
    await work(message);
    message.ack();
  }
  await nc.flush();
}
