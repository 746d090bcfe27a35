// The durable belongs to a queue group, so that more desks can join it under other client ids. The board acks what has come, and shows it from a queue of its own.
import { once } from "node:events";
import type { Message, Stan } from "node-nats-streaming";
import { ackWaitMs, atOnce, channel, type Scan, type Start } from "../solution.ts";

/** Publishes at once, and again whenever the client says that no answer came. */
export function report(hub: Stan, scan: Scan): Promise<void> {
  return new Promise((resolve) => {
    const publish = () => {
      hub.publish(channel, JSON.stringify(scan), (error) => (error ? publish() : resolve()));
    };
    publish();
  });
}

export async function clearScans(
  hub: Stan,
  clear: (scan: Scan) => Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  /** What became of each scan. A scan that failed is forgotten, so that it can be begun again. */
  const known = new Map<string, "under way" | "cleared">();
  let desks = 0;
  let allFree = () => {};
  const options = hub
    .subscriptionOptions()
    .setDurableName("customs")
    .setDeliverAllAvailable()
    .setManualAckMode(true)
    .setAckWait(ackWaitMs)
    .setMaxInFlight(atOnce);
  const subscription = hub.subscribe(channel, "customs", options);
  subscription.on("message", async (message: Message) => {
    const scan = scanIn(message);
    const state = known.get(scan.id);
    if (state === "cleared") return message.ack();
    if (state === "under way" || stop.aborted || desks === atOnce) return;
    known.set(scan.id, "under way");
    desks++;
    try {
      await clear(scan);
      known.set(scan.id, "cleared");
      message.ack();
    } catch {
      known.delete(scan.id);
    }
    if (--desks === 0) allFree();
  });
  if (!stop.aborted) await once(stop, "abort");
  if (desks > 0)
    await new Promise<void>((resolve) => {
      allFree = resolve;
    });
  await new Promise<void>((resolve) => {
    subscription.once("closed", resolve);
    subscription.close();
  });
}

/** What has come waits in a queue, and is acked at once: with one message in flight, nothing can overtake. */
export async function showBoard(
  hub: Stan,
  from: Start,
  show: (scan: Scan) => Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  const subscription = hub.subscribe(channel, startAt(hub, from).setAckWait(ackWaitMs).setMaxInFlight(1));
  let last = 0;
  let shown = Promise.resolve();
  subscription.on("message", (message: Message) => {
    if (message.getSequence() <= last) return;
    last = message.getSequence();
    shown = shown.then(() => (stop.aborted ? undefined : show(scanIn(message))));
  });
  if (!stop.aborted) await once(stop, "abort");
  await shown;
  subscription.close();
  await once(subscription, "closed");
}

function startAt(hub: Stan, from: Start) {
  const options = hub.subscriptionOptions();
  if (from === "all") return options.setDeliverAllAvailable();
  if (from === "last") return options.setStartWithLastReceived();
  if ("sequence" in from) return options.setStartAtSequence(from.sequence);
  return options.setStartAtTimeDelta(Date.now() - from.since.getTime());
}

const scanIn = (message: Message): Scan => JSON.parse(String(message.getData()));
