// Mistake: a-start-sequence-is-what-i-have
// Fails: each board begins where it is told
// The sequence is the last one that is known, so the board begins with the next.
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
  let showing: Promise<void> | undefined;
  const options = hub.subscriptionOptions().setManualAckMode(true).setAckWait(ackWaitMs).setMaxInFlight(1);
  if (from === "all") options.setDeliverAllAvailable();
  else if (from === "last") options.setStartWithLastReceived();
  else if ("sequence" in from) options.setStartAtSequence(from.sequence + 1);
  else options.setStartTime(from.since);
  const subscription = hub.subscribe(channel, options);
  subscription.on("message", async (message: Message) => {
    if (showing || stop.aborted) return;
    if (message.getSequence() > last) {
      last = message.getSequence();
      showing = show(JSON.parse(String(message.getData())));
      await showing;
      showing = undefined;
    }
    message.ack();
  });
  if (!stop.aborted) await once(stop, "abort");
  await showing;
  subscription.unsubscribe();
  await once(subscription, "unsubscribed");
}
