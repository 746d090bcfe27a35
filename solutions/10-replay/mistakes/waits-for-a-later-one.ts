// Mistake: a-later-event-must-come
// Fails: the events between two times are those that were stored then
// It reads until it is beyond the window.
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
    filterSubjects: `parcel.${depot}.*`,
    deliver_policy: DeliverPolicy.StartTime,
    opt_start_time: from.toISOString(),
  });
  const found: ParcelEvent[] = [];
  const events = await consumer.consume();
  for await (const event of events) {
    if (Math.floor(event.info.timestampNanos / 1_000_000) >= until.getTime()) break;
    found.push(event.json<ParcelEvent>());
  }
  await events.close();
  return found;
}
