// Lesson 05, queue groups: printers share the labels, and vans share the parcels.
//
// A terminal asks for the label of a parcel with a request on label.<depot>; the payload is the parcel's number. Several printers
// can answer; each request is for one of them. They are the queue group `printers`.
//
// A parcel that is ready to go out is published on parcel.<depot>.ready, and the stream PARCELS stores it. Several vans take
// parcels; each parcel is for one of them, and no parcel is forgotten, even when no van is there.
//
// Write the three functions. What each one promises stands above it.
// With npm start open, each save is graded; npm run check lesson-05 grades once.
import type { NatsConnection } from "nats";

/**
 * A printer. Answers requests on label.* with what `print` gives for the request's payload.
 *
 * - All printers together print each label once, however many there are.
 * - Others listen to label.* too, in other groups or in none. They are not disturbed.
 * - The connection is this printer's own.
 * - The function is done when the server knows of the printer, and not before.
 *
 * @param print prints the label of a parcel, and gives it back. It may take a while. It does not fail.
 * @returns a function that switches the printer off. It takes no more requests then, but every request that the server has
 *   given to this printer is still answered. When that is done the connection is closed, and only then its promise is done.
 */
export async function answer(
  nc: NatsConnection,
  print: (parcel: string) => Promise<string>,
): Promise<() => Promise<void>> {
  throw new Error("answer is still to be written");
}

export interface Tries {
  /** How often to ask at most. */
  tries: number;
  /** How long to wait for an answer, in milliseconds. Two tries start at least this long apart. */
  patience: number;
}

/**
 * A terminal. Asks on label.<depot> for the label of a parcel until there is an answer, but not more often than `tries` says.
 *
 * A printer may be stuck and never answer: the request times out. Or there is no printer at the moment, and one comes a little later:
 * the server says 503. Both mean: ask again. Every other error is thrown. After the last try the function may return at once, or when
 * its time is over.
 *
 * @returns the label, or undefined when no try brought an answer
 */
export async function ask(
  nc: NatsConnection,
  depot: string,
  parcel: string,
  { tries, patience }: Tries,
): Promise<string | undefined> {
  throw new Error("ask is still to be written");
}

/**
 * A van. Takes parcels of the stream PARCELS, of all depots, one after the other, and loads each with `load`. It takes the next one
 * when the one before is loaded.
 *
 * - Each parcel is for one van, however many there are. They share the durable consumer `vans`, which the
 *   first of them creates. The consumer stays when no van is there.
 * - A parcel that was published when no van was there must be loaded too.
 * - A parcel that is not loaded `patience` milliseconds after a van took it goes to another van, even if the first is only slow. It
 *   may then be loaded twice. So a van gives no signs of life while it loads. All vans have the same `patience`. However often that
 *   happens, a parcel is not given up.
 * - The connection is the caller's: leave it open.
 * - The function is done when the consumer is there, and not before.
 *
 * @param load loads a parcel; gets the message's payload. It may take a while. It does not fail.
 * @returns a function that ends the van's shift. It takes no more parcels then. Its promise is done when the parcel in hand is
 *   loaded and acknowledged, and no pull of this van waits for a parcel any more.
 */
export async function drive(
  nc: NatsConnection,
  load: (parcel: string) => Promise<void>,
  patience: number,
): Promise<() => Promise<void>> {
  throw new Error("drive is still to be written");
}
