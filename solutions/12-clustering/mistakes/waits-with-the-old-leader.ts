// Mistake: the-client-would-tell
// Fails: a worker goes on without its leader, and without its node
// `consume()` keeps a request open, so it will get the next scan.
import { setTimeout as sleep } from "node:timers/promises";
import { type ConnectionOptions, connect } from "nats";
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
    timeout: 2_000,
    pingInterval: 1_000,
    maxPingOut: 2,
  });
  const sorter = await patiently(() => nc.jetstream({ timeout: 2_000 }).consumers.get("SCANS", "sorter"));
  const scans = await sorter.consume({ max_messages: 1 });
  stop.addEventListener("abort", () => scans.stop());
  for await (const message of scans) {
    await sort(message.json<Scan>());
    message.ack();
  }
  await nc.drain();
}

async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch {
      await sleep(250);
    }
  }
}
