// The listener only writes down what came, and three desks take from that list. A report waits longer after each failure.
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { Message, Stan } from "node-nats-streaming";
import { ackWaitMs, atOnce, channel, type Scan } from "../solution.ts";

export { showBoard } from "../solution.ts";

/** Waits a little longer after each failure. */
export async function report(hub: Stan, scan: Scan): Promise<void> {
  for (let pauseMs = 50; ; pauseMs = Math.min(2 * pauseMs, 1_000)) {
    const error = await new Promise<Error | undefined>((resolve) => {
      hub.publish(channel, JSON.stringify(scan), resolve);
    });
    if (!error) return;
    await sleep(pauseMs);
  }
}

/** The listener only takes messages in; three desks work. */
export async function clearScans(
  hub: Stan,
  clear: (scan: Scan) => Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  const waiting: Message[] = [];
  const taken = new Set<string>();
  const cleared = new Set<string>();
  let wake = () => {};
  const options = hub
    .subscriptionOptions()
    .setDurableName("customs")
    .setDeliverAllAvailable()
    .setManualAckMode(true)
    .setAckWait(ackWaitMs)
    .setMaxInFlight(atOnce);
  const subscription = hub.subscribe(channel, options);
  subscription.on("message", (message: Message) => {
    waiting.push(message);
    wake();
  });
  stop.addEventListener("abort", () => wake());

  const desk = async () => {
    while (!stop.aborted) {
      const message = waiting.shift();
      if (!message) return;
      const scan: Scan = JSON.parse(String(message.getData()));
      if (cleared.has(scan.id)) message.ack();
      if (cleared.has(scan.id) || taken.has(scan.id)) continue;
      taken.add(scan.id);
      try {
        await clear(scan);
        cleared.add(scan.id);
        message.ack();
      } catch {
        // The server sends it again.
      }
      taken.delete(scan.id);
    }
  };
  const desks = new Set<Promise<void>>();
  while (!stop.aborted) {
    while (waiting.length > 0 && desks.size < atOnce && !stop.aborted) {
      const working: Promise<void> = desk().finally(() => {
        desks.delete(working);
        wake();
      });
      desks.add(working);
    }
    if (!stop.aborted)
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
  }
  await Promise.all(desks);
  subscription.close();
  await once(subscription, "closed");
}
