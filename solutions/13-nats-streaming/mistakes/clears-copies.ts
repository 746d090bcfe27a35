// Mistake: the-hub-knows-duplicates
// Fails: a scan that was reported twice is cleared once
// A message is known by its sequence. What was reported twice has two.
import { once } from "node:events";
import type { Message, Stan } from "node-nats-streaming";
import { ackWaitMs, atOnce, channel, type Scan } from "../solution.ts";

export { report, showBoard } from "../solution.ts";

export async function clearScans(
  hub: Stan,
  clear: (scan: Scan) => Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  const underWay = new Map<number, Promise<void>>();
  const cleared = new Set<number>();
  const options = hub
    .subscriptionOptions()
    .setDurableName("customs")
    .setDeliverAllAvailable()
    .setManualAckMode(true)
    .setAckWait(ackWaitMs)
    .setMaxInFlight(atOnce);
  const subscription = hub.subscribe(channel, options);
  subscription.on("message", (message: Message) => {
    const sequence = message.getSequence();
    if (cleared.has(sequence)) return message.ack();
    if (stop.aborted || underWay.has(sequence)) return;
    const done = clear(JSON.parse(String(message.getData()))).then(
      () => {
        cleared.add(sequence);
        message.ack();
      },
      () => {},
    );
    underWay.set(
      sequence,
      done.finally(() => underWay.delete(sequence)),
    );
  });
  if (!stop.aborted) await once(stop, "abort");
  await Promise.all(underWay.values());
  subscription.close();
  await once(subscription, "closed");
}
