// Mistake: a-closed-subscription-can-ack
// Fails: a stop loses neither work nor place
// First no more messages, then the work is finished. A subscription that is closed sends no ack.
import { once } from "node:events";
import type { Message, Stan } from "node-nats-streaming";
import { ackWaitMs, atOnce, channel, type Scan } from "../solution.ts";

export { report, showBoard } from "../solution.ts";

export async function clearScans(
  hub: Stan,
  clear: (scan: Scan) => Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  const underWay = new Map<string, Promise<void>>();
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
    if (stop.aborted || underWay.has(scan.id)) return;
    const done = clear(scan).then(
      () => {
        cleared.add(scan.id);
        message.ack();
      },
      () => {},
    );
    underWay.set(
      scan.id,
      done.finally(() => underWay.delete(scan.id)),
    );
  });
  if (!stop.aborted) await once(stop, "abort");
  subscription.close();
  await once(subscription, "closed");
  await Promise.all(underWay.values());
}
