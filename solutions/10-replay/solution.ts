// Lesson 10, replay: a stock that is counted from the events of a depot, and a day that is seen once more.
//
// The stream PARCELS holds what happened in all depots. An event is on the subject parcel.<depot>.in when a parcel came into a depot,
// and on parcel.<depot>.out when it left. The payload is the event as JSON.
//
// The functions only read: nothing of them stays in the server for ever. (A consumer that the server removes by itself is fine.)
// They are asked for history, so they do not wait for events that nobody has sent yet. But when the line is slow, or the server is away
// for a moment, while they read events, they wait, and go on. (What was lost at the very end may show only when one more event comes. And
// another question to the server, which gets no answer, may be an error.)
//
// Write the three functions. What each one promises stands above it. The connection is given to you: leave it open.
// BEGIN SOLUTION
// STARTER: // With npm start open, each save is graded; npm run check lesson-10 grades once.
// STARTER: import type { NatsConnection } from "nats";
import {
  type ConsumerInfo,
  DeliverPolicy,
  type JsMsg,
  type NatsConnection,
  type OrderedConsumerOptions,
  ReplayPolicy,
} from "nats";
// END SOLUTION

export interface ParcelEvent {
  parcel: string;
  /** When it was scanned, by the scanner's own clock. Some of these clocks are wrong. */
  scannedAt: string;
}

export interface Stock {
  /** How many parcels lie in the depot. */
  parcels: number;
  /** All events of the depot up to this sequence of the stream are counted, and none after it. (For a depot without events, 0 will do.) */
  sequence: number;
}

/**
 * Counts what lies in a depot: one more for each event parcel.<depot>.in, one less for each parcel.<depot>.out.
 *
 * - All events are counted that are in the stream when the function is called. Those that come while it counts may be counted, too.
 * - `known` is the result of an earlier count. With it, only what came after it is read. Without it, the count begins with sequence 1.
 * - The stream may have lost what is needed: its first events were removed, and with them some after `known` (or after the beginning). Or it
 *   was deleted and made anew, so that its sequence is not yet as far as `known`. Then the function throws an error: a wrong number is
 *   worse than none. (An event that was deleted in the middle of the stream just does not count.)
 */
export async function countStock(nc: NatsConnection, depot: string, known?: Stock): Promise<Stock> {
  // BEGIN SOLUTION
  // STARTER: throw new Error("countStock is still to be written");
  const manager = await nc.jetstreamManager();
  const { first_seq, last_seq } = (await manager.streams.info("PARCELS")).state;
  let { parcels, sequence } = known ?? { parcels: 0, sequence: 0 };
  if (first_seq > sequence + 1) throw new Error(`The events ${sequence + 1} to ${first_seq - 1} are gone.`);
  if (last_seq < sequence) throw new Error(`The stream has ${last_seq} events; ${sequence} were counted.`);
  const events = replay(nc, depot, {
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: sequence + 1,
  });
  for await (const event of events) {
    parcels += event.subject.endsWith(".in") ? 1 : -1;
    sequence = event.seq;
  }
  return { parcels, sequence };
  // END SOLUTION
}

/**
 * The events of a depot that the stream stored from `from` on and before `until`, in order. It is the server's clock that counts. An event
 * that was stored in the very millisecond of `from` is one of them, one in that of `until` is not.
 *
 * The stream may hold many years. Events from before `from` are not read.
 */
export async function eventsBetween(
  nc: NatsConnection,
  depot: string,
  from: Date,
  until: Date,
): Promise<ParcelEvent[]> {
  // BEGIN SOLUTION
  // STARTER: throw new Error("eventsBetween is still to be written");
  const found: ParcelEvent[] = [];
  for await (const event of replay(nc, depot, startAt(from))) {
    if (storedAt(event) >= until.getTime()) break;
    found.push(event.json<ParcelEvent>());
  }
  return found;
  // END SOLUTION
}

/**
 * Shows the same events at the speed at which they came: the first one at once, and each other one when as much time has passed since the
 * first as when they were stored. (When `show` takes long, they come later.)
 *
 * - `show` takes a moment; show the next event when it is done.
 * - When the server was away, the film goes on with the next event. (That one may come sooner than its time.)
 * - The function returns when the last of the events is shown. It does not wait for an event that was stored later.
 */
export async function playFilm(
  nc: NatsConnection,
  depot: string,
  from: Date,
  until: Date,
  show: (event: ParcelEvent) => Promise<void>,
): Promise<void> {
  // BEGIN SOLUTION
  // STARTER: throw new Error("playFilm is still to be written");
  let last: number | undefined;
  for await (const event of replay(nc, depot, startAt(from))) {
    if (storedAt(event) >= until.getTime()) break;
    last = event.seq;
  }
  if (last === undefined) return;
  const film = replay(nc, depot, { ...startAt(from), replay_policy: ReplayPolicy.Original });
  for await (const event of film) {
    await show(event.json<ParcelEvent>());
    if (event.seq >= last) break;
  }
  // END SOLUTION
}
// BEGIN SOLUTION

/** The events of a depot from a place in the stream on, up to the last one that is there. */
async function* replay(
  nc: NatsConnection,
  depot: string,
  start: Partial<OrderedConsumerOptions>,
): AsyncGenerator<JsMsg> {
  const consumer = await nc
    .jetstream()
    .consumers.get("PARCELS", { filterSubjects: `parcel.${depot}.*`, ...start });
  const { num_pending }: ConsumerInfo = await consumer.info();
  if (num_pending === 0) return;
  const events = await consumer.consume();
  try {
    for await (const event of events) {
      yield event;
      if (event.info.pending === 0) return;
    }
  } finally {
    await events.close();
  }
}

const startAt = (from: Date) => ({
  deliver_policy: DeliverPolicy.StartTime,
  opt_start_time: from.toISOString(),
});

/** In milliseconds, as `Date.getTime()`. */
const storedAt = (event: JsMsg) => Math.floor(event.info.timestampNanos / 1_000_000);
// END SOLUTION
