// Lesson 02, streams: the hub keeps every scan, even when its power fails.
//
// Depots publish their scans on parcel.<depot>.in and parcel.<depot>.out. From now on a stream named SCANS at the hub
// stores them. Other messages go over subjects of the same kind and are nobody's business here: on parcel.<depot>.where,
// for example, terminals ask where a parcel is, and somebody answers.
//
// Write the two functions. What each one promises stands above it.
// BEGIN SOLUTION
// STARTER: // With npm start open, each save is graded; npm run check lesson-02 grades once.
// STARTER: import type { NatsConnection } from "nats";
import {
  DiscardPolicy,
  type NatsConnection,
  type NatsError,
  nanos,
  RetentionPolicy,
  StorageType,
} from "nats";
// END SOLUTION

export interface Scan {
  /** The scan's number within its depot: 1, 2, 3 … */
  no: number;
  parcel: string;
  event: "in" | "out";
}

export interface Limits {
  /** How many scans the stream holds at most. Never fewer than it holds already. */
  maxScans: number;
  /** How long the stream keeps a scan, in milliseconds. An hour or more. */
  keepMs: number;
}

/**
 * What became of a scan.
 *
 * - `stored`: the stream has it, as its message number `seq`.
 * - `full`: the stream refused it, because it is full.
 * - `no-stream`: no stream takes this subject.
 * - `unknown`: no PubAck came in time, whatever one could find out later. The stream may have the scan or not.
 */
export type Outcome =
  | { no: number; result: "stored"; seq: number }
  | { no: number; result: "full" | "no-stream" | "unknown" };

/**
 * Makes the stream SCANS ready. Called at each start of the hub.
 *
 * - It takes the scans of every depot, of those to come too: parcel.<depot>.in and parcel.<depot>.out, and nothing else.
 * - What it has stored survives a crash of the server.
 * - Reading does not remove a scan. A scan goes when it is older than `limits.keepMs`, and for no other reason: a full stream refuses, it does not forget.
 * - A stream that holds `limits.maxScans` is full: it refuses new scans. It has no other limit. It confirms each scan that it stores.
 * - If the stream is there already, perhaps with other limits, it has these limits afterwards, and all of its scans. Its other settings are right then.
 */
export async function prepare(nc: NatsConnection, limits: Limits): Promise<void> {
  // BEGIN SOLUTION
  // STARTER: throw new Error("prepare is still to be written");
  const manager = await nc.jetstreamManager();
  const config = {
    subjects: ["parcel.*.in", "parcel.*.out"],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.New,
    max_msgs: limits.maxScans,
    max_age: nanos(limits.keepMs),
  };
  try {
    await manager.streams.add({ name: "SCANS", ...config });
  } catch (error) {
    if (apiError(error) !== nameInUse) throw error;
    await manager.streams.update("SCANS", config);
  }
  // END SOLUTION
}

/**
 * Publishes the scans of a depot, each on parcel.<depot>.<event> with the scan as JSON, and tells what became of each.
 *
 * Done when it knows of every scan what became of it. None of the four outcomes keeps the other scans from being published: one after the other, or all at once.
 * Publish each scan once: how to try again without storing it twice is a later lesson.
 *
 * @param patience how long to wait for the answer to one scan, in milliseconds
 * @returns one outcome for each scan, in the same order
 * @throws any other error
 */
export async function record(
  nc: NatsConnection,
  depot: string,
  scans: Scan[],
  patience: number,
): Promise<Outcome[]> {
  // BEGIN SOLUTION
  // STARTER: throw new Error("record is still to be written");
  const js = nc.jetstream();
  const outcomes: Outcome[] = [];
  for (const scan of scans) {
    const { no } = scan;
    try {
      const { seq } = await js.publish(`parcel.${depot}.${scan.event}`, JSON.stringify(scan), {
        timeout: patience,
      });
      outcomes.push({ no, result: "stored", seq });
    } catch (error) {
      outcomes.push({ no, result: whyNot(error) });
    }
  }
  return outcomes;
  // END SOLUTION
}
// BEGIN SOLUTION

/** Numbers of the JetStream API's errors. */
const nameInUse = 10058;
const tooManyMessages = 10077;

function apiError(error: unknown): number | undefined {
  return (error as NatsError).api_error?.err_code;
}

function whyNot(error: unknown): "full" | "no-stream" | "unknown" {
  const refusal = apiError(error);
  if (refusal === tooManyMessages) return "full";
  // Some of the other refusals have the code 503, too.
  if (refusal !== undefined) throw error;
  switch ((error as NatsError).code) {
    case "503":
      return "no-stream";
    case "TIMEOUT":
      return "unknown";
    default:
      throw error;
  }
}
// END SOLUTION
