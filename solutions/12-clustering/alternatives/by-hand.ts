// Without the client's helpers: publishes with a request and a header, and opens one connection after the other, each for as long as it
// gives signs of life.
import { setTimeout as sleep } from "node:timers/promises";
import {
  AckPolicy,
  type ConnectionOptions,
  connect,
  headers,
  type NatsConnection,
  type NatsError,
  type PubAck,
  type StreamConfig,
} from "nats";
import type { Scan } from "../solution.ts";

interface Answer extends PubAck {
  error?: { code: number; err_code: number; description: string };
}

export async function createScans(nc: NatsConnection): Promise<void> {
  const manager = await nc.jetstreamManager();
  const wanted: Partial<StreamConfig> = { name: "SCANS", subjects: ["parcel.*.*"], num_replicas: 3 };
  let found: StreamConfig | undefined;
  for await (const { config } of manager.streams.list()) if (config.name === "SCANS") found = config;
  if (!found) await manager.streams.add(wanted);
  else if (found.num_replicas < 3) await manager.streams.update("SCANS", { ...found, ...wanted });
  for (let complete = false; !complete; await sleep(50)) {
    const info = await manager.streams.info("SCANS").catch(() => undefined);
    const replicas = info?.cluster?.replicas ?? [];
    complete = info?.cluster?.leader !== undefined && replicas.length > 1;
    for (const replica of replicas) complete &&= replica.current && replica.active > 0 && !replica.offline;
  }
}

export async function store(nc: NatsConnection, scans: Scan[], patience: number): Promise<number[]> {
  const sequences: number[] = [];
  for (const scan of scans) {
    let seq: number | undefined;
    while (seq === undefined) {
      seq = await once(nc, scan, patience);
      if (seq === undefined) await sleep(75);
    }
    sequences.push(seq);
  }
  return sequences;
}

/** Undefined: not now. */
async function once(nc: NatsConnection, scan: Scan, timeout: number): Promise<number | undefined> {
  const head = headers();
  head.set("Nats-Msg-Id", scan.id);
  let answer: Answer;
  try {
    const subject = `parcel.${scan.depot}.${scan.event}`;
    const message = await nc.request(subject, JSON.stringify(scan), { timeout, headers: head });
    answer = message.json<Answer>();
  } catch (error) {
    if (["TIMEOUT", "503"].includes((error as NatsError).code)) return undefined;
    throw error;
  }
  if (answer.error?.err_code === 10158) return undefined;
  if (answer.error) throw new Error(`${answer.error.description} (${answer.error.err_code})`);
  return answer.seq;
}

export async function work(
  hub: ConnectionOptions,
  sort: (scan: Scan) => Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  const servers = [hub.servers ?? []].flat();
  for (let no = 0; !stop.aborted; no++) {
    let nc: NatsConnection | undefined;
    try {
      nc = await connect({
        ...hub,
        servers: servers[no % servers.length] ?? "",
        reconnect: false,
        timeout: 1_000,
        pingInterval: 800,
        maxPingOut: 2,
      });
      await shift(nc, sort, stop);
    } catch {
      await sleep(100);
    } finally {
      await nc?.close();
    }
  }
}

/** Works for as long as the connection is good. */
async function shift(
  nc: NatsConnection,
  sort: (scan: Scan) => Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  const consumer = await nc.jetstream({ timeout: 1_000 }).consumers.get("SCANS", "sorter");
  const { config } = await consumer.info(true);
  if (config.ack_policy !== AckPolicy.Explicit) throw new Error("The consumer wants no acks.");
  while (!stop.aborted && !nc.isClosed()) {
    for await (const message of await consumer.fetch({ max_messages: 1, expires: 1_000 })) {
      await sort(message.json<Scan>());
      await message.ackAck({ timeout: 1_000 });
    }
  }
}
