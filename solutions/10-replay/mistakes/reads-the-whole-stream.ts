// Mistake: reads-all-and-looks
// Fails: the events between two times are those that were stored then
// All events of the depot, and a look at the time of each.
import type { NatsConnection } from "nats";
import type { ParcelEvent } from "../solution.ts";

export { countStock, playFilm } from "../solution.ts";

export async function eventsBetween(
  nc: NatsConnection,
  depot: string,
  from: Date,
  until: Date,
): Promise<ParcelEvent[]> {
  const consumer = await nc.jetstream().consumers.get("PARCELS", { filterSubjects: `parcel.${depot}.*` });
  const found: ParcelEvent[] = [];
  if ((await consumer.info()).num_pending === 0) return found;
  const events = await consumer.consume();
  for await (const event of events) {
    const at = Math.floor(event.info.timestampNanos / 1_000_000);
    if (at >= from.getTime() && at < until.getTime()) found.push(event.json<ParcelEvent>());
    if (event.info.pending === 0) break;
  }
  await events.close();
  return found;
}
