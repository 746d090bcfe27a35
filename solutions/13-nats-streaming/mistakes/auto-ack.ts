// Mistake: auto-ack-waits-for-my-work
// Fails: customs goes on where it was killed
// The listener is async, so the client should ack when it is done. The client acks when the listener returns, at its first await.
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
    .setAckWait(ackWaitMs)
    .setMaxInFlight(atOnce);
  const subscription = hub.subscribe(channel, options);
  subscription.on("message", async (message: Message) => {
    const scan: Scan = JSON.parse(String(message.getData()));
    if (stop.aborted || underWay.has(scan.id) || cleared.has(scan.id)) return;
    const done = clear(scan).then(
      () => void cleared.add(scan.id),
      () => {},
    );
    underWay.set(
      scan.id,
      done.finally(() => underWay.delete(scan.id)),
    );
    await done;
  });
  if (!stop.aborted) await once(stop, "abort");
  await Promise.all(underWay.values());
  subscription.close();
  await once(subscription, "closed");
}
