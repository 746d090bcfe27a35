// Mistake: several-filters-are-one
// Fails: the events between two times are those that were stored then
// There are two kinds of events, so it asks for these two.
import { DeliverPolicy, type NatsConnection } from "nats";
import type { ParcelEvent } from "../solution.ts";

export { countStock, playFilm } from "../solution.ts";

export async function eventsBetween(
  nc: NatsConnection,
  depot: string,
  from: Date,
  until: Date,
): Promise<ParcelEvent[]> {
  const consumer = await nc.jetstream().consumers.get("PARCELS", {
    filterSubjects: [`parcel.${depot}.in`, `parcel.${depot}.out`],
    deliver_policy: DeliverPolicy.StartTime,
    opt_start_time: from.toISOString(),
  });
  const found: ParcelEvent[] = [];
  if ((await consumer.info()).num_pending === 0) return found;
  const events = await consumer.consume();
  for await (const event of events) {
    const at = Math.floor(event.info.timestampNanos / 1_000_000);
    if (at >= until.getTime()) break;
    found.push(event.json<ParcelEvent>());
    if (event.info.pending === 0) break;
  }
  await events.close();
  return found;
}
