// Mistake: a-lower-sequence-is-old
// Fails: a board shows everything in order, whatever the line loses
// A sequence that is not higher than the last one is an old message. The one that was lost is taken for one.
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
  let last = 0;
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
      if (message.getSequence() > last) await show(JSON.parse(String(message.getData())));
      last = Math.max(last, message.getSequence());
      message.ack();
    });
  });
  if (!stop.aborted) await once(stop, "abort");
  await showing;
  subscription.unsubscribe();
  await once(subscription, "unsubscribed");
}
