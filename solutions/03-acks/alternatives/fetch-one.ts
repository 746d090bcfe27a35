// One `fetch` of a single parcel after the other. When the day ends, the fetch that waits is closed: no waiting, no parcel too many. It is
// as lean as `consume` and says in the loop itself when the van asks; each parcel costs a subscription.
import { type ConsumerMessages, type JsMsg, millis, type NatsConnection } from "nats";
import type { Parcel, Rules } from "../solution.ts";

export async function runDelivery(
  nc: NatsConnection,
  deliver: (parcel: Parcel) => Promise<void>,
  rules: Rules,
  stop: AbortSignal,
): Promise<void> {
  const consumer = await nc.jetstream().consumers.get("PARCELS", "delivery");
  const ackWaitMs = millis((await consumer.info()).config.ack_wait ?? 0);

  const handle = async (message: JsMsg) => {
    let signs: NodeJS.Timeout | undefined;
    const sign = () => {
      message.working();
      signs = setTimeout(sign, ackWaitMs / 3);
    };
    sign();
    let failed = false;
    await deliver(message.json<Parcel>()).catch(() => {
      failed = true;
    });
    clearTimeout(signs);
    if (!failed) {
      await message.ackAck();
    } else if (message.info.deliveryCount >= rules.tries) {
      // The stream's answer, read by hand: a refusal is an answer, too.
      const stored = await nc.request(`dead.${message.subject}`, message.data, { timeout: 5_000 }).then(
        (answer) => answer.json<{ error?: unknown }>().error === undefined,
        () => false,
      );
      if (stored) message.term();
      else message.nak(rules.retryAfterMs);
    } else {
      message.nak(rules.retryAfterMs);
    }
  };

  let waiting: ConsumerMessages | undefined;
  stop.addEventListener("abort", () => void waiting?.close());
  while (!stop.aborted) {
    waiting = await consumer.fetch({ max_messages: 1, expires: 5_000 });
    for await (const message of waiting) await handle(message);
  }
  await nc.flush();
}
