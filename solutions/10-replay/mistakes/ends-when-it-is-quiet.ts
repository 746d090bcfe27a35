// Mistake: quiet-is-the-end
// Fails: who reads history waits for a server that is slow
// A second without an event: that was the last one.
import { DeliverPolicy, type NatsConnection } from "nats";
import type { Stock } from "../solution.ts";

export { eventsBetween, playFilm } from "../solution.ts";

export async function countStock(nc: NatsConnection, depot: string, known?: Stock): Promise<Stock> {
  const manager = await nc.jetstreamManager();
  const { first_seq, last_seq } = (await manager.streams.info("PARCELS")).state;
  let { parcels, sequence } = known ?? { parcels: 0, sequence: 0 };
  if (first_seq > sequence + 1) throw new Error(`The events from ${sequence + 1} on are gone.`);
  if (last_seq < sequence) throw new Error(`The stream ends with ${last_seq}, and ${sequence} were counted.`);
  const consumer = await nc.jetstream().consumers.get("PARCELS", {
    filterSubjects: `parcel.${depot}.*`,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: sequence + 1,
  });
  if ((await consumer.info()).num_pending === 0) return { parcels, sequence };
  const events = await consumer.consume();
  let quiet: NodeJS.Timeout | undefined;
  const listen = () => {
    clearTimeout(quiet);
    quiet = setTimeout(() => events.stop(), 2_500);
  };
  listen();
  for await (const event of events) {
    listen();
    parcels += event.subject.endsWith(".in") ? 1 : -1;
    sequence = event.seq;
  }
  clearTimeout(quiet);
  return { parcels, sequence };
}
