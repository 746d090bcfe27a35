// Mistake: a-durable-is-for-replays
// Fails: a count goes on where the last one ended
// A durable consumer of the depot knows what was read.
import { AckPolicy, DeliverPolicy, type NatsConnection, nanos } from "nats";
import type { Stock } from "../solution.ts";

export { eventsBetween, playFilm } from "../solution.ts";

export async function countStock(nc: NatsConnection, depot: string, known?: Stock): Promise<Stock> {
  const manager = await nc.jetstreamManager();
  const { first_seq, last_seq } = (await manager.streams.info("PARCELS")).state;
  let { parcels, sequence } = known ?? { parcels: 0, sequence: 0 };
  if (first_seq > sequence + 1) throw new Error(`The events from ${sequence + 1} on are gone.`);
  if (last_seq < sequence) throw new Error(`The stream ends with ${last_seq}, and ${sequence} were counted.`);
  const name = `stock-${depot}`;
  // Made once, and used by every count.
  const there = await manager.consumers.info("PARCELS", name).catch(() => undefined);
  if (!there) {
    await manager.consumers.add("PARCELS", {
      durable_name: name,
      filter_subject: `parcel.${depot}.*`,
      ack_policy: AckPolicy.Explicit,
      ack_wait: nanos(2_000),
      max_ack_pending: 1,
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: sequence + 1,
    });
  }
  const consumer = await nc.jetstream().consumers.get("PARCELS", name);
  let left = (await consumer.info()).num_pending;
  while (left > 0) {
    const event = await consumer.next();
    if (!event) continue;
    if (event.seq > sequence) {
      parcels += event.subject.endsWith(".in") ? 1 : -1;
      sequence = event.seq;
    }
    await event.ackAck();
    left = event.info.pending;
  }
  return { parcels, sequence };
}
