// Mistake: a-parcel-gives-up-by-itself
// Fails: a parcel without an address ends in the dead letters
// It did not work, so it is tried again. Nothing in the code ever says that it is enough.
import { type JsMsg, millis, type NatsConnection } from "nats";
import type { Parcel, Rules } from "../solution.ts";

export async function runDelivery(
  nc: NatsConnection,
  deliver: (parcel: Parcel) => Promise<void>,
  rules: Rules,
  stop: AbortSignal,
): Promise<void> {
  const consumer = await nc.jetstream().consumers.get("PARCELS", "delivery");
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
    if (await work(message)) message.ack();
    else message.nak(rules.retryAfterMs);
  }
  await nc.flush();
}
