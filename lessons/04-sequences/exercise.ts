// Lesson 04, sequences: scans that are stored once, lockers that are claimed once, a ledger that goes on where it stopped.
//
// The stream SCANS holds the scans of all depots, each on the subject parcel.<depot>.<event>, for example parcel.ams.in.
// The payload is the scan as JSON. The stream LOCKERS holds one message for each locker that is taken, on the subject
// locker.<id>; its payload is the parcel that lies in it.
//
// Write the four functions. What each one promises stands above it. The connection is given to you: leave it open.
// With npm start open, each save is graded; npm run check lesson-04 grades once.
import type { NatsConnection } from "nats";

export interface Scan {
  /** The scanner's name. No other scanner of the carrier has it. */
  scanner: string;
  /** The day of the scan, for example "2026-03-02". */
  day: string;
  /** Counts the scans of this scanner on this day: 1, 2, 3 … Each day begins with 1. */
  no: number;
  parcel: string;
  event: "in" | "out";
}

/** The ledger of one depot: a book outside of NATS, with a line for each scan. */
export interface Ledger {
  /** The number that the last line was entered with; 0 when the book is empty. */
  last(): Promise<number>;
  /**
   * Enters a scan, together with its sequence in the stream SCANS. The line and its number are written in one step: both are in
   * the book, or none. It takes a while; enter the next scan when this one is in.
   */
  enter(scan: Scan, sequence: number): Promise<void>;
}

/**
 * Creates the stream SCANS for the subjects parcel.<depot>.<event>, whatever the event: to "in" and "out" others may come. A scan
 * stays in it, whether it is read or not, and whatever comes after it.
 *
 * A scanner may be without network for `offlineHours`, and then send a scan that it has sent before. At least for so long the
 * stream must recognise that it has the scan.
 */
export async function createScans(nc: NatsConnection, offlineHours: number): Promise<void> {
  throw new Error("createScans is still to be written");
}

/**
 * Stores scans of the depot in SCANS, each of them once.
 *
 * - Wait `patience` milliseconds for an answer. Without one, try again, until there is one.
 * - A scanner that crashes and starts again calls this function with all scans of the day. Those that the stream has are not
 *   stored again.
 * - Another error than a missing answer (`TIMEOUT`) is thrown, for example that of a full stream.
 *
 * @returns for each scan the sequence under which the stream has it
 */
export async function record(
  nc: NatsConnection,
  depot: string,
  scans: Scan[],
  patience: number,
): Promise<number[]> {
  throw new Error("record is still to be written");
}

/**
 * Claims a locker for a parcel: stores the parcel's name on locker.<locker> in LOCKERS, if no message is there yet. Any number of
 * depots may try at the same time; one of them gets it. A locker stays claimed for weeks.
 *
 * Where it cannot be known whether the locker is free (no answer to the claim within `patience` milliseconds, a stream that
 * stores nothing), the error is thrown. Whoever gets it may call this function again, and the first claim may have been stored.
 * `patience` is for the claim. To look what is in the locker may take longer.
 *
 * @returns "claimed" when the locker is this parcel's, now or since an earlier call; "taken" when it is another's
 */
export async function claim(
  nc: NatsConnection,
  locker: string,
  parcel: string,
  patience: number,
): Promise<"claimed" | "taken"> {
  throw new Error("claim is still to be written");
}

/**
 * Keeps the ledger of a depot, with an ordered consumer or another way to read: enters every scan of parcel.<depot>.* in SCANS,
 * in order, each of them once, and goes on with new ones as they come.
 *
 * The program that runs this may be killed at any moment, also in the middle of an entry; then it is started again. Only the
 * ledger knows how far it came: the server is to remember nothing for it. No durable consumer is left when this function has
 * returned.
 *
 * Runs until `stop` is aborted; then finishes the entry that is being made, enters no other, and returns. It does not wait for
 * another scan.
 */
export async function keepLedger(
  nc: NatsConnection,
  depot: string,
  ledger: Ledger,
  stop: AbortSignal,
): Promise<void> {
  throw new Error("keepLedger is still to be written");
}
