// Lesson 07, push and pull: sorters that share the parcels, and a screen that shows all of them.
//
// The stream PARCELS holds the parcels of a depot, each on the subject parcel.<town>. The payload is the parcel as JSON. They are
// numbered 1, 2, 3 … in the order in which they were stored.
//
// The stream has a durable consumer with the name `sorters`, made by the depot: a pull consumer with explicit acks. All sorters
// of the depot take their parcels from it.
//
// Write the two functions. What each one promises stands above it. The connection is given to you: leave it open.
// BEGIN SOLUTION
// STARTER: // With npm start open, each save is graded; npm run check lesson-07 grades once.
// STARTER: import type { NatsConnection } from "nats";
import { consumerOpts, type NatsConnection } from "nats";
// END SOLUTION

export interface Parcel {
  no: number;
  town: string;
}

/**
 * One sorter. Takes parcels from the consumer `sorters` and hands each to `sort`, one after the other.
 *
 * - Any number of sorters run at the same time, each in a process of its own. Some start later than others, some die.
 * - A sorter holds the one parcel that it is sorting. All other parcels stay in the stream, for whoever is free.
 * - A parcel is done when `sort` is done. If the sorter dies before, another one gets the parcel. `sort` takes less time than the
 *   consumer's `ack_wait`.
 * - If the consumer is deleted, somebody must be told: the function throws as soon as the server says so.
 *
 * Runs until `stop` is aborted; then finishes the parcel in hand, if there is one, and returns. It does not wait for a parcel
 * that may never come: a pull that waits in the server may take one more second. A parcel that comes after the stop is not sorted:
 * give it back with `nak()`, or leave it, and it comes again when the `ack_wait` is over. Both are fine.
 *
 * What `sort` throws, the function throws, and the parcel is not done.
 */
export async function sortParcels(
  nc: NatsConnection,
  sort: (parcel: Parcel) => Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  // BEGIN SOLUTION
  // STARTER: throw new Error("sortParcels is still to be written");
  const consumer = await nc.jetstream().consumers.get("PARCELS", "sorters");
  const parcels = await consumer.consume({ max_messages: 1, abort_on_missing_resource: true });
  stop.addEventListener("abort", () => parcels.stop());
  if (stop.aborted) parcels.stop();
  for await (const message of parcels) {
    await sort(message.json<Parcel>());
    message.ack();
  }
  await nc.flush();
  // END SOLUTION
}

/**
 * The screen in the hall. Shows every parcel in the stream, in order, each once: those that are there, from the first one on, and then
 * each new one as it comes.
 *
 * - The screen only looks. No sorter gets a parcel less because of it, and when it is switched off, nothing of it stays in the
 *   server for ever. (A consumer that the server removes by itself is fine.)
 * - The screen's connection may break and come back. Then it goes on with the next parcel that it has not shown. What was lost at the
 *   break may show only when one more parcel comes.
 * - `show` takes a while; show the next parcel when it is done.
 *
 * Runs until `stop` is aborted; then finishes the parcel that it is showing, shows no other, and returns.
 */
export async function watchParcels(
  nc: NatsConnection,
  show: (parcel: Parcel) => Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  // BEGIN SOLUTION
  // STARTER: throw new Error("watchParcels is still to be written");
  const parcels = await nc.jetstream().subscribe("parcel.>", consumerOpts().orderedConsumer());
  stop.addEventListener("abort", () => parcels.unsubscribe());
  if (stop.aborted) parcels.unsubscribe();
  for await (const message of parcels) {
    if (stop.aborted) break;
    await show(message.json<Parcel>());
  }
  // END SOLUTION
}
