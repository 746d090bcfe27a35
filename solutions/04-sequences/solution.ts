// Lesson 04, sequences: scans that are stored once, lockers that are claimed once, a ledger that goes on where it stopped.
//
// The stream SCANS holds the scans of all depots, each on the subject parcel.<depot>.<event>, for example parcel.ams.in.
// The payload is the scan as JSON. The stream LOCKERS holds one message for each locker that is taken, on the subject
// locker.<id>; its payload is the parcel that lies in it.
//
// Write the four functions. What each one promises stands above it. The connection is given to you: leave it open.
// BEGIN SOLUTION
// STARTER: // With npm start open, each save is graded; npm run check lesson-04 grades once.
// STARTER: import type { NatsConnection } from "nats";
import { DeliverPolicy, ErrorCode, type NatsConnection, NatsError, nanos } from "nats";
// END SOLUTION

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
  // BEGIN SOLUTION
  // STARTER: throw new Error("createScans is still to be written");
  const jsm = await nc.jetstreamManager();
  await jsm.streams.add({
    name: "SCANS",
    subjects: ["parcel.*.*"],
    duplicate_window: nanos(offlineHours * 60 * 60 * 1_000),
  });
  // END SOLUTION
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
  // BEGIN SOLUTION
  // STARTER: throw new Error("record is still to be written");
  const js = nc.jetstream();
  const sequences: number[] = [];
  for (const scan of scans) {
    const msgID = `${scan.scanner}/${scan.day}/${scan.no}`;
    for (;;) {
      try {
        const ack = await js.publish(`parcel.${depot}.${scan.event}`, JSON.stringify(scan), {
          msgID,
          timeout: patience,
        });
        sequences.push(ack.seq);
        break;
      } catch (error) {
        if (!(error instanceof NatsError) || error.code !== ErrorCode.Timeout) throw error;
      }
    }
  }
  return sequences;
  // END SOLUTION
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
  // BEGIN SOLUTION
  // STARTER: throw new Error("claim is still to be written");
  const wrongLastSequence = 10071;
  const subject = `locker.${locker}`;
  try {
    await nc.jetstream().publish(subject, parcel, { timeout: patience, expect: { lastSubjectSequence: 0 } });
    return "claimed";
  } catch (error) {
    if (!(error instanceof NatsError) || error.api_error?.err_code !== wrongLastSequence) throw error;
  }
  // There is a parcel in it. It may be this one: an earlier claim was stored, and its answer was lost.
  const jsm = await nc.jetstreamManager({ timeout: patience });
  const inLocker = await jsm.streams.getMessage("LOCKERS", { last_by_subj: subject });
  return inLocker.string() === parcel ? "claimed" : "taken";
  // END SOLUTION
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
  // BEGIN SOLUTION
  // STARTER: throw new Error("keepLedger is still to be written");
  const consumer = await nc.jetstream().consumers.get("SCANS", {
    filterSubjects: `parcel.${depot}.*`,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: (await ledger.last()) + 1,
  });
  const messages = await consumer.consume();
  stop.addEventListener("abort", () => messages.stop());
  if (stop.aborted) messages.stop();
  for await (const message of messages) {
    // Stopped: what was fetched ahead is left for the next time.
    if (stop.aborted) break;
    await ledger.enter(message.json<Scan>(), message.seq);
  }
  // END SOLUTION
}
