// Mistake: every-message-wants-an-ack
// Fails: a long history is counted to its end
// Explicit acks are what everybody uses, and this count only looks, so it acks nothing.
import { AckPolicy, DeliverPolicy, type NatsConnection, nanos } from "nats";
import type { Stock } from "../solution.ts";

export { eventsBetween, playFilm } from "../solution.ts";

export async function countStock(nc: NatsConnection, depot: string, known?: Stock): Promise<Stock> {
  const manager = await nc.jetstreamManager();
  const { first_seq, last_seq } = (await manager.streams.info("PARCELS")).state;
  let { parcels, sequence } = known ?? { parcels: 0, sequence: 0 };
  if (first_seq > sequence + 1) throw new Error(`The events from ${sequence + 1} on are gone.`);
  if (last_seq < sequence) throw new Error(`The stream ends with ${last_seq}, and ${sequence} were counted.`);
  for (;;) {
    const { name, num_pending } = await manager.consumers.add("PARCELS", {
      filter_subject: `parcel.${depot}.*`,
      ack_policy: AckPolicy.Explicit,
      ack_wait: nanos(60_000),
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: sequence + 1,
      inactive_threshold: nanos(60_000),
    });
    if (num_pending === 0) return { parcels, sequence };
    const events = await (await nc.jetstream().consumers.get("PARCELS", name)).consume();
    let no = 0;
    for await (const event of events) {
      // One was lost on the way: a new consumer begins with it.
      if (event.info.deliverySequence !== ++no) break;
      parcels += event.subject.endsWith(".in") ? 1 : -1;
      sequence = event.seq;
      if (event.info.pending === 0) break;
    }
    events.stop();
  }
}
