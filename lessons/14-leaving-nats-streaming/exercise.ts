// Lesson 14, leaving NATS Streaming: a channel is moved into a stream while everybody goes on working.
//
// The old hub has the channel `scans`. Its sequences begin with 1 and have no gaps, but the first messages may be gone. The stream SCANS
// is there already; it takes the subjects scans.<name> and keeps everything. The mover copies the channel to `scans.harbour`. A depot that has
// left the old hub publishes to a subject of its own, scans.<depot>. The payload is a scan as JSON, here and there.
//
// Both clients, `hub` for NATS Streaming and `nc` for NATS, are given to you, connected: leave them open. They connect again by
// themselves. Wait for an answer of the stream no longer than `patienceMs`. Give a subscription to the channel, and a consumer of the stream, the
// ack wait `ackWaitMs`.
//
// Write the three functions. What each one promises stands above it.
// With npm start open, each save is graded; npm run check lesson-14 grades once.
import type { NatsConnection } from "nats";
import type { Stan } from "node-nats-streaming";

export const channel = "scans";
export const stream = "SCANS";
/** The subject of what the mover has copied. */
export const movedSubject = "scans.harbour";
/** Headers of a copy: the sequence of the message in the channel, and its time there, in ISO format. */
export const sequenceHeader = "Channel-Sequence";
export const timeHeader = "Channel-Time";

export const ackWaitMs = 1_000;
export const patienceMs = 500;

export interface Scan {
  /** No two scans have the same. */
  id: string;
  parcel: string;
}

/**
 * Moves the channel: copies each message to `movedSubject`, with both headers and the same payload. It begins with the first message that is in
 * the channel, and goes on with those that still come.
 *
 * - Each message is in the stream once, in the order of the channel. That is so also when the line loses a message or an answer, when a
 *   server is killed and comes back, and when two movers run at once.
 * - The mover may be killed at any moment, and is started again at any time: in a second, or in a month. The duplicate window of the stream may
 *   be over by then.
 * - What the stream has not stored is tried again, within a second, until it has.
 * - When `gone` is aborted, nobody publishes to the channel any more. The function moves what is left, ends its subscription and returns. (There is
 *   at least one message in the channel then.)
 *
 * @returns the sequence of the last message in the channel; now the old hub may be switched off
 */
export async function moveChannel(hub: Stan, nc: NatsConnection, gone: AbortSignal): Promise<number> {
  throw new Error("moveChannel is still to be written");
}

/**
 * Customs takes over in the stream what its durable on the channel did: clears what it has not cleared yet, and what still comes, until `stop` is
 * aborted. On the channel it has cleared every message up to the sequence `cleared`, and none after it.
 *
 * - Each message of the stream that customs has not cleared is cleared once; those of the depots that have left the old hub, too.
 *   Copies may still be on their way into the stream.
 * - `clear` takes a moment: it is called for the next one when it is done.
 * - The program may be killed, and is started again with the same `cleared`. It goes on where it was. The server keeps its place, under the
 *   durable name `customs`. (The one that `clear` was at work on is cleared again.)
 * - After a stop no scan is begun; the function waits for `clear`, and returns.
 */
export async function takeOver(
  nc: NatsConnection,
  cleared: number,
  clear: (scan: Scan) => Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  throw new Error("takeOver is still to be written");
}

/**
 * A depot leaves the old hub. It reports its `last` scans to the channel, and its `first` ones to the stream, on the subject scans.<depot>.
 *
 * - No scan is missing. A scan of `first` is in the stream once. A scan of `last` is in the channel, twice only when an answer was lost.
 * - Who reads the stream sees the scans of the depot in their order. So nothing of `first` may be there before all of `last` is. (The mover moves
 *   it. It may be slow, or be killed and come back.)
 * - What had no answer is sent again. The hub's client says so after its `ackTimeout` (500 ms here).
 */
export async function leaveHub(
  hub: Stan,
  nc: NatsConnection,
  depot: string,
  last: Scan[],
  first: Scan[],
): Promise<void> {
  throw new Error("leaveHub is still to be written");
}
