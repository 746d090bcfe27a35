// Lesson 01, at most once: a depot's terminal reports scans, and a board on the wall shows them.
//
// Each scan is one message on the subject parcel.<depot>.<event>, for example parcel.ams.in. The payload is the scan as
// JSON. A depot numbers its scans 1, 2, 3 … without a gap. Nothing is stored anywhere: this is core NATS.
//
// Write the three functions. What each one promises stands above it.
// BEGIN SOLUTION
// STARTER: // With npm start open, each save is graded; npm run check lesson-01 grades once.
// STARTER: import type { ConnectionOptions } from "nats";
import { type ConnectionOptions, connect, ErrorCode, type Msg, type NatsError } from "nats";
// END SOLUTION

export interface Scan {
  /** Counts the scans of one depot: 1, 2, 3 … */
  no: number;
  parcel: string;
  event: "in" | "out";
}

/** The board on the wall. Both functions may take a while: await each before you call the next. */
export interface Board {
  show(scan: Scan): void | Promise<void>;
  /** Tells people that the scans `from` to `to`, both included, were missed and will not come. */
  missed(from: number, to: number): void | Promise<void>;
}

/**
 * The terminal. Publishes every scan, in order.
 *
 * The terminal is switched off in the very moment in which this function is done. By then the server must have all of the scans.
 * Whether anybody listens is not the terminal's business.
 */
export async function report(options: ConnectionOptions, depot: string, scans: Scan[]): Promise<void> {
  // BEGIN SOLUTION
  // STARTER: throw new Error("report is still to be written");
  const nc = await connect(options);
  for (const scan of scans) nc.publish(`parcel.${depot}.${scan.event}`, JSON.stringify(scan));
  await nc.drain();
  // END SOLUTION
}

/**
 * The board. Shows every scan of the depot that arrives, in order, until it is stopped.
 *
 * - When this function is done, the server knows the subscription: no scan that is published from now on is missed.
 * - `last` is the number of the last scan that this board has seen. The numbers of a depot only go up. If the next scan has a
 *   higher number than expected, call `board.missed` first, then show the scan.
 * - Anybody may publish here. A message that is not JSON, or that is JSON and has no number `no`, is passed over.
 * - A server that goes away and comes back, even after a long time, does not end the board.
 *
 * @returns a function that stops the board. It is done when what the server has sent by then is shown, and the connection is
 *   closed.
 */
export async function watch(
  options: ConnectionOptions,
  depot: string,
  last: number,
  board: Board,
): Promise<() => Promise<void>> {
  // BEGIN SOLUTION
  // STARTER: throw new Error("watch is still to be written");
  const nc = await connect({ ...options, maxReconnectAttempts: -1 });
  const scans = nc.subscribe(`parcel.${depot}.*`);
  const shown = (async () => {
    for await (const message of scans) {
      const scan = readScan(message);
      if (!scan) continue;
      if (scan.no > last + 1) await board.missed(last + 1, scan.no - 1);
      last = scan.no;
      await board.show(scan);
    }
  })();
  await nc.flush();
  return async () => {
    await scans.drain();
    await shown;
    await nc.close();
  };
  // END SOLUTION
}

/**
 * Asks on the subject depot.<depot>.open whether a depot is open. Whoever is there answers with any message.
 *
 * @param patience how long to wait for an answer, in milliseconds
 * @returns "open" when there was an answer, "silent" when somebody listens but did not answer in time, and "empty" when nobody
 *   listens: that is known at once, without waiting. Leaves no connection open, and no timer running.
 * @throws any other error: when it cannot connect, for example, nothing is known about the depot
 */
export async function ask(
  options: ConnectionOptions,
  depot: string,
  patience: number,
): Promise<"open" | "silent" | "empty"> {
  // BEGIN SOLUTION
  // STARTER: throw new Error("ask is still to be written");
  const nc = await connect(options);
  try {
    await nc.request(`depot.${depot}.open`, undefined, { timeout: patience });
    return "open";
  } catch (error) {
    const { code } = error as NatsError;
    if (code === ErrorCode.NoResponders) return "empty";
    if (code === ErrorCode.Timeout) return "silent";
    throw error;
  } finally {
    await nc.close();
  }
  // END SOLUTION
}
// BEGIN SOLUTION

function readScan(message: Msg): Scan | undefined {
  try {
    const scan = message.json<Scan | null>();
    return typeof scan?.no === "number" ? scan : undefined;
  } catch {
    return undefined;
  }
}
// END SOLUTION
