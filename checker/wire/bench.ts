// Measures what the relay costs: throughput and latency through it against a direct connection, and the reader alone.
// The clients speak the protocol from a thread of their own, because in the course they are other processes too.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { Journal } from "./journal.ts";
import { WireReader } from "./parser.ts";
import { Relay } from "./relay.ts";

const messageBytes = 100;
const messages = 200_000;
const requests = 4_000;
const rounds = 3;

export interface WireBench {
  /** Messages of 100 bytes a second, from one client to another, the best of three rounds each. */
  directPerSecond: number;
  relayedPerSecond: number;
  /** The same until the journal has read all of it, too: what it could keep up with for ever. */
  recordedPerSecond: number;
  /** Relayed over direct; the goal is at least 0.5. */
  throughputRatio: number;
  /** Median of a request and its reply, in microseconds: both clients beside the relay. */
  directMicros: number;
  /** The same with the requesting client behind the relay, which the request and the reply pass once each. */
  relayedMicros: number;
  /** What the relay added at the median; the goal is under 100. */
  addedMicros: number;
  /** The reader alone, on messages of 100 bytes and of 10 kB. */
  parserMBPerSecond: number;
  parserLargeMBPerSecond: number;
  parserMessagesPerSecond: number;
}

/**
 * Runs all measurements in turns, with the journal on. Takes some ten seconds.
 * @param serverPath a nats-server program
 */
export async function benchWire(serverPath: string): Promise<WireBench> {
  const store = mkdtempSync(join(tmpdir(), "learn-nats-bench-"));
  const server = spawn(serverPath, ["-a", "127.0.0.1", "-p", "-1"], {
    stdio: ["ignore", "ignore", "pipe"],
    cwd: store,
  });
  const port = await readyPort(server);
  const journal = new Journal();
  const relay = await Relay.listen({ journal, target: () => ({ host: "127.0.0.1", port }) });
  const worker = new Worker(clients, { eval: true });
  try {
    const ask = (task: object) =>
      new Promise<number>((resolve) => {
        worker.once("message", resolve);
        worker.postMessage({ ...task, messageBytes });
      });
    const throughput = (through: number) =>
      ask({ task: "throughput", publisher: through, subscriber: through, count: messages });
    const latency = (through: number) =>
      ask({ task: "latency", publisher: through, subscriber: port, count: requests });
    const measured = {
      direct: [0],
      relayed: [0],
      recorded: [0],
      directMicros: [] as number[],
      relayedMicros: [] as number[],
    };
    // The first turn warms up the code; the others go in turns, so that a noisy neighbour hits both.
    for (let round = 0; round <= rounds; round++) {
      const direct = await throughput(port);
      const started = performance.now();
      const relayed = await throughput(relay.port);
      journal.catchUp();
      const recorded = (messages / (performance.now() - started)) * 1000;
      const directMicros = await latency(port);
      const relayedMicros = await latency(relay.port);
      if (round === 0) continue;
      measured.direct.push(direct);
      measured.relayed.push(relayed);
      measured.recorded.push(recorded);
      measured.directMicros.push(directMicros);
      measured.relayedMicros.push(relayedMicros);
    }
    const directPerSecond = Math.round(Math.max(...measured.direct));
    const relayedPerSecond = Math.round(Math.max(...measured.relayed));
    const directMicros = median(measured.directMicros);
    const relayedMicros = median(measured.relayedMicros);
    const small = parserSpeed(messageBytes);
    return {
      directPerSecond,
      relayedPerSecond,
      recordedPerSecond: Math.round(Math.max(...measured.recorded)),
      throughputRatio: relayedPerSecond / directPerSecond,
      directMicros,
      relayedMicros,
      addedMicros: relayedMicros - directMicros,
      parserMBPerSecond: small.megabytes,
      parserLargeMBPerSecond: parserSpeed(10_000).megabytes,
      parserMessagesPerSecond: small.messages,
    };
  } finally {
    await worker.terminate();
    await relay.close();
    server.kill("SIGKILL");
    rmSync(store, { recursive: true, force: true });
  }
}

function parserSpeed(size: number): { megabytes: number; messages: number } {
  const one = Buffer.from(`MSG parcel.ams.scan 1 ${size}\r\n${"x".repeat(size)}\r\n`);
  const count = Math.ceil(30e6 / one.length);
  const all = Buffer.concat(Array.from({ length: count }, () => one));
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round <= rounds; round++) {
    const reader = new WireReader("toClient", { frame: () => {}, unreadable: () => {} });
    const started = performance.now();
    // The size of chunk in which Node reads from sockets.
    for (let at = 0; at < all.length; at += 65536) reader.feed(all.subarray(at, at + 65536));
    best = Math.min(best, performance.now() - started);
  }
  return { megabytes: Math.round(all.length / 1000 / best), messages: Math.round((count / best) * 1000) };
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function readyPort(server: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let log = "";
    server.once("error", reject);
    server.once("exit", () => reject(new Error(`The server for the bench did not start: ${log}`)));
    server.stderr?.on("data", (text: Buffer) => {
      log += text;
      const port = /Listening for client connections on \S+:(\d+)/.exec(log);
      if (port && log.includes("Server is ready")) resolve(Number(port[1]));
    });
  });
}

/** Two clients in a thread: one publishes or asks, the other receives or answers. They count bytes and read no more. */
const clients = `
const { connect } = require("node:net");
const { parentPort } = require("node:worker_threads");

function open(port, first) {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    let heard = "";
    const hello = (data) => {
      heard += data.toString("latin1");
      if (heard.includes("INFO") && !socket.said) {
        socket.said = true;
        socket.write('CONNECT {"verbose":false,"name":"bench","lang":"bench"}\\r\\n' + first + "PING\\r\\n");
      }
      if (!heard.includes("PONG")) return;
      socket.off("data", hello);
      resolve(socket);
    };
    socket.on("data", hello);
  });
}

async function throughput({ publisher, subscriber, count, messageBytes }) {
  const sub = await open(subscriber, "SUB parcel.ams.scan 1\\r\\n");
  const pub = await open(publisher, "");
  const one = "PUB parcel.ams.scan " + messageBytes + "\\r\\n" + "x".repeat(messageBytes) + "\\r\\n";
  const expected = count * ("MSG parcel.ams.scan 1 " + messageBytes + "\\r\\n" + "x".repeat(messageBytes) + "\\r\\n").length;
  const batch = Buffer.from(one.repeat(400));
  let received = 0;
  const done = new Promise((resolve) => sub.on("data", (data) => { received += data.length; if (received >= expected) resolve(); }));
  const started = performance.now();
  for (let sent = 0; sent < count; sent += 400) {
    if (!pub.write(batch)) await new Promise((resolve) => pub.once("drain", resolve));
  }
  await done;
  const seconds = (performance.now() - started) / 1000;
  sub.destroy();
  pub.destroy();
  return count / seconds;
}

async function latency({ publisher, subscriber, count, messageBytes }) {
  const answer = Buffer.from("PUB inbox " + messageBytes + "\\r\\n" + "y".repeat(messageBytes) + "\\r\\n");
  const asked = ("MSG ask 1 inbox " + messageBytes + "\\r\\n" + "x".repeat(messageBytes) + "\\r\\n").length;
  const answered = ("MSG inbox 1 " + messageBytes + "\\r\\n" + "y".repeat(messageBytes) + "\\r\\n").length;
  const responder = await open(subscriber, "SUB ask 1\\r\\n");
  const requester = await open(publisher, "SUB inbox 1\\r\\n");
  const question = Buffer.from("PUB ask inbox " + messageBytes + "\\r\\n" + "x".repeat(messageBytes) + "\\r\\n");
  let pending = 0;
  responder.on("data", (data) => { pending += data.length; while (pending >= asked) { pending -= asked; responder.write(answer); } });
  const times = [];
  let got = 0;
  let wake;
  requester.on("data", (data) => { got += data.length; if (got >= answered) { got -= answered; wake(); } });
  for (let i = 0; i < count; i++) {
    const started = performance.now();
    const reply = new Promise((resolve) => { wake = resolve; });
    requester.write(question);
    await reply;
    times.push(performance.now() - started);
  }
  responder.destroy();
  requester.destroy();
  times.sort((a, b) => a - b);
  return times[Math.floor(count / 2)] * 1000;
}

parentPort.on("message", async (task) => {
  parentPort.postMessage(await (task.task === "throughput" ? throughput(task) : latency(task)));
});
`;
