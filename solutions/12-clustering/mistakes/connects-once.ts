// Mistake: the-hub-is-there-first
// Fails: a worker waits for the hub, however long it is away
// It connects at the start, and the hub has to be up.
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
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    timeout: 2_000,
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
