// A class, and one `next()` for each parcel. Nothing is ever asked for ahead, so there is nothing to take back; each parcel costs one
// more round trip, and a van that waits looks at the signal once a second.
import { type Consumer, type JetStreamClient, type JsMsg, millis, type NatsConnection } from "nats";
import type { Parcel, Rules } from "../solution.ts";

type Deliver = (parcel: Parcel) => Promise<void>;

export async function runDelivery(
  nc: NatsConnection,
  deliver: Deliver,
  rules: Rules,
  stop: AbortSignal,
): Promise<void> {
  const js = nc.jetstream();
  const consumer = await js.consumers.get("PARCELS", "delivery");
  await new Van(js, consumer, deliver, rules).drive(stop);
  await nc.flush();
}

class Van {
  constructor(
    private readonly js: JetStreamClient,
    private readonly consumer: Consumer,
    private readonly deliver: Deliver,
    private readonly rules: Rules,
  ) {}

  async drive(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      const message = await this.consumer.next({ expires: 1_000 });
      // The day may have ended while the van was waiting: then the parcel goes back untouched.
      if (stop.aborted) message?.nak();
      else if (message) await this.#handle(message);
    }
  }

  async #handle(message: JsMsg): Promise<void> {
    const failure = await this.#try(message);
    if (failure === undefined) {
      await message.ackAck();
    } else if (message.info.deliveryCount < this.rules.tries) {
      message.nak(this.rules.retryAfterMs);
    } else {
      const msgID = `${message.info.stream}-${message.seq}`;
      try {
        await this.js.publish(`dead.${message.subject}`, message.data, { msgID });
      } catch {
        message.nak(this.rules.retryAfterMs);
        return;
      }
      await message.ackAck();
    }
  }

  async #try(message: JsMsg): Promise<unknown> {
    const { config } = await this.consumer.info(true);
    const signs = setInterval(() => message.working(), millis(config.ack_wait ?? 0) / 4);
    try {
      await this.deliver(message.json());
      return undefined;
    } catch (error) {
      return error ?? new Error("unknown");
    } finally {
      clearInterval(signs);
    }
  }
}
