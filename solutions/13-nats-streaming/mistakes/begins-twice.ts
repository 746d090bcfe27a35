// Mistake: the-hub-sees-that-i-work
// Fails: a scan that takes long is not begun twice
// A message that is being worked on does not come again. After the ack wait it does, and is begun once more.
import { once } from "node:events";
import type { Message, Stan } from "node-nats-streaming";
import { ackWaitMs, atOnce, channel, type Scan } from "../solution.ts";

export { report, showBoard } from "../solution.ts";

export async function clearScans(
  hub: Stan,
  clear: (scan: Scan) => Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  const underWay = new Map<string, { sequence: number; done: Promise<void> }>();
  const cleared = new Set<string>();
  const options = hub
    .subscriptionOptions()
    .setDurableName("customs")
    .setDeliverAllAvailable()
    .setManualAckMode(true)
    .setAckWait(ackWaitMs)
    .setMaxInFlight(atOnce);
  const subscription = hub.subscribe(channel, options);
  subscription.on("message", (message: Message) => {
    const scan: Scan = JSON.parse(String(message.getData()));
    if (cleared.has(scan.id)) return message.ack();
    // A copy that was reported twice waits; what is sent again is taken for new.
    const copy = underWay.get(scan.id);
    if (stop.aborted || (copy !== undefined && copy.sequence !== message.getSequence())) return;
    const done = clear(scan)
      .then(
        () => {
          cleared.add(scan.id);
          message.ack();
        },
        () => {},
      )
      .finally(() => underWay.delete(scan.id));
    underWay.set(scan.id, { sequence: message.getSequence(), done });
  });
  if (!stop.aborted) await once(stop, "abort");
  await Promise.all([...underWay.values()].map(({ done }) => done));
  subscription.close();
  await once(subscription, "closed");
}
