// Mistake: what-was-sent-has-arrived
// Fails: a count survives a broken line, and a power cut
// A consumer without acks that the server removes later. Its numbers in the stream are not looked at.
import { AckPolicy, DeliverPolicy, type NatsConnection, nanos } from "nats";
import type { Stock } from "../solution.ts";

export { eventsBetween, playFilm } from "../solution.ts";

export async function countStock(nc: NatsConnection, depot: string, known?: Stock): Promise<Stock> {
  const manager = await nc.jetstreamManager();
  const { first_seq, last_seq } = (await manager.streams.info("PARCELS")).state;
  let { parcels, sequence } = known ?? { parcels: 0, sequence: 0 };
  if (first_seq > sequence + 1) throw new Error(`The events from ${sequence + 1} on are gone.`);
  if (last_seq < sequence) throw new Error(`The stream ends with ${last_seq}, and ${sequence} were counted.`);
  const { name } = await manager.consumers.add("PARCELS", {
    filter_subject: `parcel.${depot}.*`,
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: sequence + 1,
    inactive_threshold: nanos(60_000),
  });
  const consumer = await nc.jetstream().consumers.get("PARCELS", name);
  let left = (await consumer.info()).num_pending;
  if (left === 0) return { parcels, sequence };
  const events = await consumer.consume();
  // A power cut may take the last ones: then the consumer has none left.
  const look = setInterval(async () => {
    const now = await consumer.info().catch(() => undefined);
    if (now?.num_pending === 0) events.stop();
  }, 500);
  for await (const event of events) {
    parcels += event.subject.endsWith(".in") ? 1 : -1;
    sequence = event.seq;
    left = event.info.pending;
    if (left === 0) break;
  }
  clearInterval(look);
  events.stop();
  return { parcels, sequence };
}
