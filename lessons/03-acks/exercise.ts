// Lesson 03, acks: a van delivers parcels from a work queue.
//
// The depot puts each parcel into the stream PARCELS, a work queue, on the subject parcel.<depot>.deliver. The payload is the
// parcel as JSON. Every van takes its parcels from the same durable pull consumer, named `delivery`, which the depot has made.
// A second stream, DEAD, keeps everything that is published on dead.>; people look at it in the morning.
//
// Write the function. What it promises stands above it.
// With npm start open, each save is graded; npm run check lesson-03 grades once.
import type { NatsConnection } from "nats";

export interface Parcel {
  id: string;
  address: string;
}

export interface Rules {
  /** How many times a parcel is tried in total, whichever vans tried it. */
  tries: number;
  /** How long a parcel rests after a failed try, in milliseconds. */
  retryAfterMs: number;
}

/**
 * A van's working day: takes parcels from the consumer `delivery` and hands each to `deliver`, until it is told to stop.
 *
 * - `deliver` resolves when the parcel is delivered, and rejects when it could not be delivered this time.
 * - A parcel that is delivered leaves the work queue. If the van breaks down before that, another van gets the parcel.
 * - A van holds one parcel at a time. All others stay in the queue, where other vans can take them.
 * - `deliver` may take much longer than the consumer's `ack_wait`. As long as it is at work, no other van gets the parcel.
 *   The `ack_wait` is in the consumer's configuration; each depot sets its own.
 * - A parcel that could not be delivered is tried again `rules.retryAfterMs` later, by whichever van is free then. The van goes on
 *   with other parcels meanwhile.
 * - When a parcel has failed `rules.tries` times in total, it is published on dead.<its subject>, with the same payload, and leaves
 *   the work queue: but not before the stream DEAD has it. A try in which a van broke down counts, too. If that was the last one,
 *   the next van may try it once more or not.
 * - When DEAD refuses it, it stays in the work queue, comes again `rules.retryAfterMs` later, and goes to DEAD then. Whether it is
 *   tried once more before that, you decide. The van goes on.
 * - `stop` tells the van to end its day: it takes no new parcel. A parcel that it is delivering, it delivers to the end.
 *   Then the function is done, and the van is switched off at that very moment. By then the server must know what happened to its last parcel
 *   and to one that it gave back, and no timer of yours runs any more.
 *   A van that has nothing to do is done within two seconds. The connection is closed by the caller.
 */
export async function runDelivery(
  nc: NatsConnection,
  deliver: (parcel: Parcel) => Promise<void>,
  rules: Rules,
  stop: AbortSignal,
): Promise<void> {
  throw new Error("runDelivery is still to be written");
}
