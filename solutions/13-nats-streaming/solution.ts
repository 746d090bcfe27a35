// Lesson 13, NATS Streaming: an old hub, on which scans are reported, cleared at customs, and shown on a board.
//
// All scans are in the channel `scans`, as JSON. A message has the sequence that the server gave it there; there are no gaps.
//
// The client `hub` is given to you, connected: leave it open. When its connection breaks, it connects again by itself, and its
// subscriptions go on. (It gives up only when the streaming server is silent for about 20 seconds. Here it is back before.)
//
// Give each subscription the ack wait `ackWaitMs`: for so long the server waits for an ack, and then it sends the message again.
//
// Write the three functions. What each one promises stands above it.
// BEGIN SOLUTION
// STARTER: // With npm start open, each save is graded; npm run check lesson-13 grades once.
// STARTER: import type { Stan } from "node-nats-streaming";
import { once } from "node:events";
import type { Message, Stan } from "node-nats-streaming";
// END SOLUTION

export const channel = "scans";
export const ackWaitMs = 1_000;
/** How many scans customs can clear at the same time. */
export const atOnce = 3;

export interface Scan {
  /** No two scans have the same. */
  id: string;
  parcel: string;
}

/** Where a board begins: with the first message that is there, with the last one, with a sequence, or at a time. */
export type Start = "all" | "last" | { sequence: number } | { since: Date };

/**
 * Reports a scan: publishes it to the channel. The promise resolves when the server has said that it is stored.
 *
 * - No answer may come: the server is away, or the answer is lost. The client then says so after its `ackTimeout` (500 ms here). The scan is
 *   published again within a second, until an answer comes.
 * - So a scan can be in the channel twice. It must not be missing.
 */
export async function report(hub: Stan, scan: Scan): Promise<void> {
  // BEGIN SOLUTION
  // STARTER: throw new Error("report is still to be written");
  while (!(await isStored(hub, scan))) {
    // Nobody knows whether the server has it.
  }
  // END SOLUTION
}

/**
 * Clears scans at customs, until `stop` is aborted. The server keeps its place, under the durable name `customs`.
 *
 * - The first time, it begins with the first message that is there. Later it goes on where it was: with what was not acked, and what was
 *   reported since. That is so after a stop and after a crash. (It has the same client id again.)
 * - `clear` clears one scan. It takes a moment, and can fail. A message is acked when its scan is cleared, and not before. When `clear`
 *   rejects, or the program dies, the server sends the message again after the ack wait; and the scan is cleared then.
 * - `atOnce` calls of `clear` run at once when there are so many scans, and never more.
 * - No scan is begun a second time while `clear` is still at work on it, and none that this program has cleared. A message may come more
 *   than once, and a scan may have been reported twice: then two messages have the same `id`. (Two scans of a parcel have two ids.)
 * - After a stop no scan is begun. Those that `clear` is at work on are finished and acked. Then the function ends the subscription, and
 *   returns when the server has answered that.
 */
export async function clearScans(
  hub: Stan,
  clear: (scan: Scan) => Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  // BEGIN SOLUTION
  // STARTER: throw new Error("clearScans is still to be written");
  const underWay = new Map<string, Promise<void>>();
  const cleared = new Set<string>();

  const work = async (message: Message, scan: Scan) => {
    try {
      await clear(scan);
      cleared.add(scan.id);
      message.ack();
    } catch {
      // Without an ack it comes again.
    } finally {
      underWay.delete(scan.id);
    }
  };

  const options = hub
    .subscriptionOptions()
    .setDurableName("customs")
    .setDeliverAllAvailable()
    .setManualAckMode(true)
    .setAckWait(ackWaitMs)
    .setMaxInFlight(atOnce);
  const subscription = hub.subscribe(channel, options);
  subscription.on("message", (message: Message) => {
    const scan = scanOf(message);
    if (cleared.has(scan.id)) message.ack();
    else if (!stop.aborted && !underWay.has(scan.id)) underWay.set(scan.id, work(message, scan));
  });

  await aborted(stop);
  await Promise.all(underWay.values());
  subscription.close();
  await once(subscription, "closed");
  // END SOLUTION
}

/**
 * Shows scans on a board, from a start on, until `stop` is aborted: what is there, and what comes.
 *
 * - `show` takes a moment: it is called for the next one when it is done.
 * - Each message is shown once, in the order of the channel, and none is left out. That is so also when the line loses a message or an ack, and when
 *   the server is killed and comes back. (What was lost, the server sends again after the ack wait.) A scan that was reported twice is two
 *   messages: it is shown twice.
 * - Each board begins where it is told, whatever boards there were before.
 * - After a stop `show` is not called any more. The function waits for the call that is under way, and returns when the server has nothing
 *   left of the board.
 */
export async function showBoard(
  hub: Stan,
  from: Start,
  show: (scan: Scan) => Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  // BEGIN SOLUTION
  // STARTER: throw new Error("showBoard is still to be written");
  let last = 0;
  let showing: Promise<void> | undefined;
  const options = hub.subscriptionOptions().setManualAckMode(true).setAckWait(ackWaitMs).setMaxInFlight(1);
  if (from === "all") options.setDeliverAllAvailable();
  else if (from === "last") options.setStartWithLastReceived();
  else if ("sequence" in from) options.setStartAtSequence(from.sequence);
  else options.setStartTime(from.since);

  const subscription = hub.subscribe(channel, options);
  subscription.on("message", async (message: Message) => {
    // With one message in flight, what comes now is the one that is being shown.
    if (showing || stop.aborted) return;
    if (message.getSequence() > last) {
      last = message.getSequence();
      showing = show(scanOf(message));
      await showing;
      showing = undefined;
    }
    message.ack();
  });

  await aborted(stop);
  await showing;
  subscription.unsubscribe();
  await once(subscription, "unsubscribed");
  // END SOLUTION
}
// BEGIN SOLUTION

/** Publishes once, and tells whether the server has confirmed it. */
function isStored(hub: Stan, scan: Scan): Promise<boolean> {
  return new Promise((resolve) => {
    hub.publish(channel, JSON.stringify(scan), (error) => resolve(error === undefined));
  });
}

const scanOf = (message: Message): Scan => JSON.parse(String(message.getData()));

async function aborted(stop: AbortSignal): Promise<void> {
  if (!stop.aborted) await once(stop, "abort");
}
// END SOLUTION
