// Mistake: the-scanner-knows-the-time
// Fails: the events between two times are those that were stored then
// The server finds the beginning. Which events are in the window, the event itself knows best.
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
  if ((await consumer.info()).num_pending === 0) return found;
  const events = await consumer.consume();
  for await (const event of events) {
    const at = Math.floor(event.info.timestampNanos / 1_000_000);
    const scan = event.json<ParcelEvent>();
    const scannedAt = Date.parse(scan.scannedAt);
    // A scan takes a moment to arrive.
    if (at < until.getTime() && scannedAt > from.getTime() - 60_000) found.push(scan);
    if (event.info.pending === 0) break;
  }
  await events.close();
  return found;
}
