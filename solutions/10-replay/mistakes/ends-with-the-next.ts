// Mistake: the-next-event-ends-the-film
// Fails: a film takes the time that the day took
// The first event that was stored later ends the film.
import { DeliverPolicy, type NatsConnection, ReplayPolicy } from "nats";
import type { ParcelEvent } from "../solution.ts";

export { countStock, eventsBetween } from "../solution.ts";

export async function playFilm(
  nc: NatsConnection,
  depot: string,
  from: Date,
  until: Date,
  show: (event: ParcelEvent) => Promise<void>,
): Promise<void> {
  const consumer = await nc.jetstream().consumers.get("PARCELS", {
    filterSubjects: `parcel.${depot}.*`,
    deliver_policy: DeliverPolicy.StartTime,
    replay_policy: ReplayPolicy.Original,
    opt_start_time: from.toISOString(),
  });
  if ((await consumer.info()).num_pending === 0) return;
  const events = await consumer.consume();
  for await (const event of events) {
    if (Math.floor(event.info.timestampNanos / 1_000_000) >= until.getTime()) break;
    await show(event.json<ParcelEvent>());
    if (event.info.pending === 0) break;
  }
  await events.close();
}
