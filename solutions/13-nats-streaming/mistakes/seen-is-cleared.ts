// Mistake: seen-is-cleared
// Fails: a scan that could not be cleared comes again
// A scan is written down as known when it comes. When it comes again because it failed, it is only acked.
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
  const seen = new Set<string>();
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
    if (stop.aborted || underWay.has(scan.id)) return;
    if (seen.has(scan.id)) return message.ack();
    seen.add(scan.id);
    const done = clear(scan).then(
      () => message.ack(),
      () => {},
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
