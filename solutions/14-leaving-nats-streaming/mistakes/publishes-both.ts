// Mistake: both-ways-are-safe
// Fails: no scan of a depot that leaves overtakes another
// For the time of the move, a scan goes to the channel and to the stream.
import { setTimeout as sleep } from "node:timers/promises";
import type { NatsConnection } from "nats";
import type { Stan } from "node-nats-streaming";
import { isInChannel, isInStream, lastInChannel, lastMoved, type Scan } from "../solution.ts";

export { moveChannel, takeOver } from "../solution.ts";

export async function leaveHub(
  hub: Stan,
  nc: NatsConnection,
  depot: string,
  last: Scan[],
  first: Scan[],
): Promise<void> {
  for (const scan of last) {
    while (!(await isInChannel(hub, scan))) {
      // Again.
    }
    while (!(await isInStream(nc, depot, scan))) {
      // Again.
    }
  }
  const end = await lastInChannel(hub);
  while ((await lastMoved(nc)).channelSequence < end) await sleep(100);
  for (const scan of first)
    while (!(await isInStream(nc, depot, scan))) {
      // With its id it is stored once.
    }
}
