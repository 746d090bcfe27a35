// Mistake: in-the-channel-is-enough
// Fails: no scan of a depot that leaves overtakes another
// The old hub has confirmed the last scans, so the next ones go to the stream.
import type { NatsConnection } from "nats";
import type { Stan } from "node-nats-streaming";
import { isInChannel, isInStream, type Scan } from "../solution.ts";

export { moveChannel, takeOver } from "../solution.ts";

export async function leaveHub(
  hub: Stan,
  nc: NatsConnection,
  depot: string,
  last: Scan[],
  first: Scan[],
): Promise<void> {
  for (const scan of last)
    while (!(await isInChannel(hub, scan))) {
      // Again.
    }
  for (const scan of first)
    while (!(await isInStream(nc, depot, scan))) {
      // With its id it is stored once.
    }
}
