// Lesson 12, clustering: a stream that outlives a node, scans that are stored whatever happens to its leader, a worker that goes on.
//
// The hub is a cluster of three nodes. The stream SCANS holds the scans of all depots, each on the subject parcel.<depot>.<event>, for
// example parcel.ams.in. The payload is the scan as JSON.
//
// At any time one node may be gone: killed, frozen (its connections stay open, and it says nothing), or switched off. Then for some seconds
// there may be no leader, until the other two have chosen one. The others may be gone, too; some day they are back.
//
// Write the three functions. What each one promises stands above it. A connection that is given to you is left open. It comes back by
// itself after each fault.
// With npm start open, each save is graded; npm run check lesson-12 grades once.
import type { ConnectionOptions, NatsConnection } from "nats";

export interface Scan {
  /** No other scan has it. */
  id: string;
  depot: string;
  event: "in" | "out";
  parcel: string;
}

/**
 * Creates the stream SCANS for the subjects parcel.<depot>.<event>. Whichever node is gone, the two others have all scans, and take new
 * ones. The scans are on disks, so that they are there again when the power of the whole hub was gone. The stream keeps all scans, and
 * remembers message ids for two minutes.
 *
 * - The stream may be there already: another program made it, perhaps without copies. It keeps its scans, and gets what is missing.
 * - When the function returns, each node has all that the stream holds. Until then a node may be slow.
 */
export async function createScans(nc: NatsConnection): Promise<void> {
  throw new Error("createScans is still to be written");
}

/**
 * Stores scans in SCANS, each of them once.
 *
 * - Wait `patience` milliseconds for an answer. Some answers mean "not now": none at all (`TIMEOUT`); nobody is there (`503`, without an
 *   `api_error`); the stream is still at work with this very message (`err_code` 10158). Then rest for 50 milliseconds or more, a second at
 *   the most, and try again, for as long as it takes. The answers may be lost, and the scan stored all the same.
 * - Another error is thrown, for example that of a full stream, which has the code 503, too.
 *
 * - `store` may be called again with the same scans, after a crash. A scan that is stored is not stored again.
 *
 * @returns for each scan the sequence under which the stream has it
 */
export async function store(nc: NatsConnection, scans: Scan[], patience: number): Promise<number[]> {
  throw new Error("store is still to be written");
}

/**
 * Works off the durable consumer `sorter` of SCANS: hands each scan to `sort`, one after the other, and acknowledges it when that is done.
 * (A scan may be handed over twice; none is left out.) The consumer is there already.
 *
 * `hub` is for `connect`: the addresses of the nodes, user and name. Add what is missing. The connection is this function's own.
 *
 * - Any of the nodes may be gone at the start, or all of them. All may be gone later, for hours. When one is back, the work goes on.
 *   Where there is a node at the start, the work begins after ten seconds at the most.
 * - A node that is asked for something may give no answer for a moment, because nobody leads.
 * - When the node that the program is connected to is frozen, the work goes on with another one, after ten seconds at the most.
 * - When the consumer gets another leader, the work goes on after five seconds at the most.
 * - Runs until `stop` is aborted; then finishes the scan that it is at and acknowledges it, ends its connection and returns. It does not
 *   wait for another scan. (If no node is there in that moment, it may return when one is back.)
 */
export async function work(
  hub: ConnectionOptions,
  sort: (scan: Scan) => Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  throw new Error("work is still to be written");
}
