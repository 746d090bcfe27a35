// Looks before it creates; sends all scans at once, each with tries further and further apart; keeps one request for messages open after
// another, and short ones.
import { setTimeout as sleep } from "node:timers/promises";
import { type ConnectionOptions, connect, type NatsConnection, type NatsError } from "nats";
import type { Scan } from "../solution.ts";

export async function createScans(nc: NatsConnection): Promise<void> {
  const { streams } = await nc.jetstreamManager();
  const settings = { subjects: ["parcel.*.*"], num_replicas: 3 };
  const names = await streams.names().next();
  if (names.includes("SCANS")) await streams.update("SCANS", settings);
  else await streams.add({ name: "SCANS", ...settings });
  const complete = async () => {
    const { cluster } = await streams.info("SCANS");
    return (
      cluster?.leader && cluster.replicas?.filter(({ current, active }) => current && active > 0).length === 2
    );
  };
  while (!(await complete())) await sleep(250);
}

export async function store(nc: NatsConnection, scans: Scan[], patience: number): Promise<number[]> {
  return Promise.all(scans.map((scan) => storeOne(nc, scan, patience)));
}

async function storeOne(nc: NatsConnection, scan: Scan, patience: number): Promise<number> {
  const js = nc.jetstream({ timeout: patience });
  for (let restMs = 50; ; restMs = Math.min(2 * restMs, 1_000)) {
    try {
      const subject = `parcel.${scan.depot}.${scan.event}`;
      return (await js.publish(subject, JSON.stringify(scan), { msgID: scan.id })).seq;
    } catch (error) {
      const { code, api_error } = error as NatsError;
      const again = api_error ? api_error.err_code === 10158 : ["TIMEOUT", "503"].includes(code);
      if (!again) throw error;
      await sleep(restMs);
    }
  }
}

export async function work(
  hub: ConnectionOptions,
  sort: (scan: Scan) => Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  const nc = await connect({
    ...hub,
    waitOnFirstConnect: true,
    maxReconnectAttempts: -1,
    timeout: 1_500,
    pingInterval: 1_500,
    maxPingOut: 2,
  });
  const sorter = await retried(() => nc.jetstream({ timeout: 1_000 }).consumers.get("SCANS", "sorter"));
  const scans = await sorter.consume({ max_messages: 1, expires: 2_000 });
  const end = () => scans.stop();
  stop.addEventListener("abort", end);
  if (stop.aborted) end();
  for await (const message of scans) {
    await sort(message.json<Scan>());
    message.ack();
    if (stop.aborted) break;
  }
  await nc.drain();
}

async function retried<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch {
      await sleep(200);
    }
  }
}
