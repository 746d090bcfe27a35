// Mistake: who-accepts-answers
// Fails: a worker goes on without its leader, and without its node
// It asks the server for signs of life, and waits for the first word of a new connection with the default, 20 seconds.
import { setTimeout as sleep } from "node:timers/promises";
import { type ConnectionOptions, type Consumer, connect, type JsMsg } from "nats";
import type { Scan } from "../solution.ts";

export { createScans, store } from "../solution.ts";

export async function work(
  hub: ConnectionOptions,
  sort: (scan: Scan) => Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  const nc = await connect({
    ...hub,
    waitOnFirstConnect: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    pingInterval: 1_000,
    maxPingOut: 2,
  });
  const { consumers } = nc.jetstream({ timeout: 2_000 });
  let sorter: Consumer | undefined;
  while (!stop.aborted) {
    let message: JsMsg | null = null;
    try {
      sorter ??= await consumers.get("SCANS", "sorter");
      message = await sorter.next({ expires: 1_000 });
    } catch {
      await sleep(250);
    }
    if (!message) continue;
    await sort(message.json<Scan>());
    message.ack();
  }
  await nc.drain();
}
