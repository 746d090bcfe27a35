// Mistake: redelivered-was-done
// Fails: customs goes on where it was killed
// What is marked as redelivered was worked on before, so it is only acked.
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
  const failed = new Set<string>();
  subscription.on("message", (message: Message) => {
    const scan: Scan = JSON.parse(String(message.getData()));
    if (message.isRedelivered() && !underWay.has(scan.id) && !failed.has(scan.id)) return message.ack();
    if (cleared.has(scan.id)) return message.ack();
    if (stop.aborted || underWay.has(scan.id)) return;
    const done = clear(scan).then(
      () => {
        cleared.add(scan.id);
        message.ack();
      },
      () => void failed.add(scan.id),
    );
    underWay.set(
      scan.id,
      done.finally(() => underWay.delete(scan.id)),
    );
  });
  if (!stop.aborted) await once(stop, "abort");
  await Promise.all(underWay.values());
  subscription.close();
  await once(subscription, "closed");
}
