// Mistake: order-holds-with-redelivery
// Fails: a board shows everything in order, whatever the line loses
// Messages come in order, so each new one is shown as it comes. What was lost comes late.
import { once } from "node:events";
import type { Message, Stan } from "node-nats-streaming";
import { ackWaitMs, channel, type Scan, type Start } from "../solution.ts";

export { clearScans, report } from "../solution.ts";

export async function showBoard(
  hub: Stan,
  from: Start,
  show: (scan: Scan) => Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  const shown = new Set<number>();
  let showing = Promise.resolve();
  const options = hub.subscriptionOptions().setManualAckMode(true).setAckWait(ackWaitMs);
  if (from === "all") options.setDeliverAllAvailable();
  else if (from === "last") options.setStartWithLastReceived();
  else if ("sequence" in from) options.setStartAtSequence(from.sequence);
  else options.setStartTime(from.since);
  const subscription = hub.subscribe(channel, options);
  subscription.on("message", (message: Message) => {
    showing = showing.then(async () => {
      if (stop.aborted) return;
      if (!shown.has(message.getSequence())) await show(JSON.parse(String(message.getData())));
      shown.add(message.getSequence());
      message.ack();
    });
  });
  if (!stop.aborted) await once(stop, "abort");
  await showing;
  subscription.unsubscribe();
  await once(subscription, "unsubscribed");
}
