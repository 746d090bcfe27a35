// The classroom under load: learners with real connections and real outboxes, a watch such as the dashboard has, and faults.
// Loopback only; each round is bounded in count and time.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, connect as dial, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fmtCreds, fromSeed } from "@nats-io/jwt";
import { Kvm } from "@nats-io/kv";
import { Authority, newSeeds, operatorConfig } from "../classroom/authority.ts";
import { joinClassroom } from "../classroom/join.ts";
import type { Membership } from "../classroom/membership.ts";
import type { Result } from "../classroom/messages.ts";
import { Outbox } from "../classroom/outbox.ts";
import { keys, roomNames } from "../classroom/room.ts";
import { Sender } from "../classroom/sender.ts";
import type { ClassroomState } from "../classroom/state.ts";
import { connectAs } from "../classroom/store.ts";
import type { LearnerSummary } from "../classroom/summary.ts";
import { root } from "../course/places.ts";
import { NatsCluster } from "../nats/cluster.ts";
import { endProcess, processorTimeMs } from "../nats/end-process.ts";
import { findProgram } from "../nats/install/find.ts";
import { watchOver } from "../nats/reaper.ts";
import type { Fault } from "./faults.ts";

export interface Load {
  readonly learners: number;
  readonly results: number;
  /** Over this time the results are spread. */
  readonly withinMs: number;
}

export interface Measured {
  readonly fault: Fault;
  readonly joinedInMs: number;
  readonly sent: number;
  readonly counted: number;
  readonly stored: number;
  readonly lost: number;
  readonly doubled: number;
  readonly disordered: number;
  /** From the verdict to the dashboard, in milliseconds. */
  readonly latency: { p50: number; p99: number; max: number };
  /** How long after the last verdict everything was counted. */
  readonly settledMs: number;
  readonly hostMB: number;
  readonly serverMB: number;
  readonly hostCpuMs: number;
}

const giveUpMs = 120_000;
const cutMs = 20_000;

export async function benchClassroom(fault: Fault, load: Load): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), "learn-nats-bench-classroom-"));
  const port = 21_000 + Math.floor(Math.random() * 10_000);
  const cluster = fault === "cluster's leader killed" ? await openCluster(folder) : undefined;
  let host = await startHost(folder, port, cluster?.flags ?? []);
  const state = JSON.parse(readFileSync(join(folder, "classroom.json"), "utf8")) as ClassroomState;
  const senders: Sender[] = [];
  const gate = fault === "a third cut off" ? await openGate(port + 1) : undefined;
  try {
    const begun = performance.now();
    const members = await inBatches(load.learners, 100, (i) =>
      joinClassroom({
        url: `http://127.0.0.1:${port}/`,
        name: `Learner ${i}`,
        code: state.code,
        folder: join(folder, "learners", String(i)),
      }),
    );
    const joinedInMs = performance.now() - begun;

    const room = roomNames(state.room);
    const watcher = await watchBucket(cluster?.watch ?? (await ownWatch(state, port)), room.bucket);
    members.forEach((member, i) => {
      const home = join(folder, "learners", String(i));
      const through: Membership = gate && i % 3 === 0 ? { ...member, port: gate.port } : member;
      senders.push(new Sender({ member: through, home }));
      void senders[i]?.follow();
    });
    const outboxes = members.map((_, i) => new Outbox(join(folder, "learners", String(i))));

    const ready = performance.now() + giveUpMs;
    while (!senders.every((sender) => sender.heard) && performance.now() < ready) await wait(50);

    let peakHost = 0;
    let peakServer = 0;
    const cpuBefore = processorTimeMs(host.pid ?? 0) ?? 0;
    const memory = setInterval(() => {
      peakHost = Math.max(peakHost, residentMB(host.pid));
      peakServer = Math.max(peakServer, cluster ? cluster.memoryMB() : residentMB(childOf(host.pid)));
    }, 500);
    const sentAt = new Map<string, number>();
    const doFault = async (): Promise<void> => {
      await wait(load.withinMs * 0.4);
      if (fault === "host killed") {
        host.kill("SIGKILL");
        await gone(host);
        host = await startHost(folder, port, []);
      }
      if (fault === "nats-server killed") endProcess(childOf(host.pid) ?? -1);
      if (fault === "a third cut off") {
        gate?.cut();
        await wait(Math.min(cutMs, load.withinMs / 2));
        gate?.mend();
      }
      if (cluster) await cluster.killLeader(room.stream);
    };
    const faulting = doFault();
    const plan: { at: number; learner: number }[] = [];
    for (let learner = 0; learner < load.learners; learner++)
      for (let i = 0; i < load.results; i++)
        plan.push({ learner, at: ((i + Math.random()) / load.results) * load.withinMs });
    plan.sort((a, b) => a.at - b.at);
    const start = performance.now();
    for (const { at, learner } of plan) {
      const ahead = at - (performance.now() - start);
      if (ahead > 1) await wait(ahead);
      const n = outboxes[learner]?.put(madeUp(learner)) ?? 0;
      sentAt.set(`${members[learner]?.id} ${n}`, Date.now());
      senders[learner]?.wake();
    }
    const lastAt = performance.now();
    await faulting;
    const done = () =>
      outboxes.every((outbox) => outbox.confirmed() >= load.results) &&
      members.every(({ id }) => (watcher.learners.get(id)?.results ?? 0) >= load.results);
    const end = performance.now() + giveUpMs;
    while (!done() && performance.now() < end) await wait(50);
    const settledMs = performance.now() - lastAt;
    clearInterval(memory);

    const latencies: number[] = [];
    for (const [key, at] of sentAt) {
      const shown = watcher.shownAt.get(key);
      if (shown !== undefined) latencies.push(shown - at);
    }
    latencies.sort((a, b) => a - b);
    const at = (part: number) =>
      latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * part))] ?? Number.NaN;
    const counted = members.reduce((sum, { id }) => sum + (watcher.learners.get(id)?.results ?? 0), 0);
    const stored = await storedNumbers(watcher.nc, room.stream);
    await watcher.nc.close();
    const per = members.map(({ id }) => stored.get(id) ?? []);
    const expected = load.learners * load.results;
    return {
      fault,
      joinedInMs,
      sent: sentAt.size,
      counted,
      stored: per.reduce((sum, each) => sum + each.length, 0),
      lost:
        expected - per.reduce((sum, each) => sum + new Set(each).size, 0) + Math.max(0, expected - counted),
      doubled:
        per.reduce((sum, each) => sum + each.length - new Set(each).size, 0) +
        Math.max(0, counted - expected),
      disordered: per.filter((each) => each.some((n, i) => n !== i + 1)).length,
      latency: { p50: at(0.5), p99: at(0.99), max: at(1) },
      settledMs,
      hostMB: peakHost,
      serverMB: peakServer,
      hostCpuMs: (processorTimeMs(host.pid ?? 0) ?? 0) - (fault === "host killed" ? 0 : cpuBefore),
    };
  } finally {
    await Promise.all(senders.map((sender) => sender.close()));
    host.kill("SIGTERM");
    await gone(host);
    await cluster?.close();
    gate?.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

function madeUp(learner: number): Result {
  return {
    kind: "result",
    lesson: "lesson-01",
    status: "fail",
    ms: 900,
    checks: Array.from({ length: 8 }, (_, i) => ({
      name: `check ${i} of a lesson, with a name as long as they are`,
      status: i < learner % 8 ? "pass" : "fail",
      ms: 100,
      ...(i >= learner % 8 && { diagnosis: "publish-means-sent" }),
    })),
    hints: { general: 1, beliefs: [] },
    course: "0.0.0",
    server: "2.14.5",
  };
}

/** Hears what the dashboard hears: a watch on the bucket. When a summary counts n results, the n-th was shown. */
async function watchBucket(where: Parameters<typeof connectAs>[1], bucket: string) {
  const nc = await connectAs("bench dashboard", where);
  const learners = new Map<string, LearnerSummary>();
  const shownAt = new Map<string, number>();
  let turn = 0;
  const follow = async () => {
    const mine = ++turn;
    while (mine === turn && !nc.isClosed()) {
      try {
        for await (const { value } of await (await new Kvm(nc).open(bucket)).watch({
          key: keys.learners,
        })) {
          if (mine !== turn) break;
          const summary = JSON.parse(new TextDecoder().decode(value)) as LearnerSummary;
          const before = learners.get(summary.id)?.results ?? 0;
          for (let n = before + 1; n <= summary.results; n++) shownAt.set(`${summary.id} ${n}`, Date.now());
          learners.set(summary.id, summary);
        }
      } catch {
        await wait(100);
      }
    }
  };
  void follow();
  void (async () => {
    for await (const { type } of nc.status()) if (type === "reconnect") void follow();
  })();
  return { nc, learners, shownAt };
}

async function ownWatch(state: ClassroomState, port: number) {
  return { servers: [`127.0.0.1:${port + 1}`], credentials: await Authority.of(state.seeds).host() };
}

/** The numbers of each learner's messages, in the order in which the stream has them. */
async function storedNumbers(
  nc: Awaited<ReturnType<typeof connectAs>>,
  stream: string,
): Promise<Map<string, number[]>> {
  const { jetstream } = await import("@nats-io/jetstream");
  const consumer = await jetstream(nc).consumers.get(stream);
  const found = new Map<string, number[]>();
  const { num_pending: left } = await consumer.info();
  if (left === 0) return found;
  for await (const message of await consumer.consume({ max_messages: 1_000 })) {
    const id = message.subject.slice(message.subject.lastIndexOf(".") + 1);
    found.set(id, [...(found.get(id) ?? []), message.json<{ n: number }>().n]);
    if (message.info.pending === 0) break;
  }
  return found;
}

async function startHost(folder: string, port: number, flags: readonly string[]): Promise<ChildProcess> {
  const child = spawn(
    process.execPath,
    [join(root, "checker", "main.mjs"), "classroom", "--port", String(port), ...flags],
    {
      cwd: root,
      env: { ...process.env, LEARN_NATS_CLASSROOM: folder },
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  watchOver(child);
  await new Promise<void>((resolve, reject) => {
    let said = "";
    child.stdout?.on("data", (part) => {
      said += part;
      if (said.includes("Ctrl+C")) resolve();
    });
    child.once("exit", (code) => reject(new Error(`The classroom ended with ${code}: ${said}`)));
  });
  return child;
}

/** Three servers that trust an operator of their own, and the files that `npm run classroom` wants of them. */
async function openCluster(folder: string) {
  const program = await findProgram("nats-server");
  const seeds = newSeeds();
  const nodes = await NatsCluster.start(program, { ownAccounts: true, config: await operatorConfig(seeds) });
  const user = await Authority.of(seeds).host();
  const [creds, key] = [join(folder, "host.creds"), join(folder, "signing.nk")];
  mkdirSync(folder, { recursive: true });
  writeFileSync(creds, fmtCreds(user.jwt, fromSeed(new TextEncoder().encode(user.seed))));
  writeFileSync(key, seeds.account);
  const urls = nodes.nodes.map(({ url }) => url);
  return {
    flags: ["--nats", urls.join(","), "--creds", creds, "--signing-key", key, "--ws", "ws://127.0.0.1:1"],
    watch: { servers: urls, credentials: user },
    memoryMB: () => nodes.nodes.reduce((sum, { pid }) => sum + residentMB(pid), 0),
    async killLeader(stream: string) {
      const leader = await nodes.streamLeader(stream);
      if (!leader) throw new Error("The stream has no leader.");
      await leader.kill();
      await wait(10_000);
      await leader.restart();
    },
    close: () => nodes.close(),
  };
}

/** A way to the server that can be cut: connections end, and new ones are refused. */
async function openGate(target: number) {
  const sockets = new Set<Socket>();
  let open = true;
  const server = createServer((socket) => {
    if (!open) return void socket.destroy();
    const on = dial(target, "127.0.0.1");
    for (const [a, b] of [
      [socket, on],
      [on, socket],
    ] as const) {
      sockets.add(a);
      a.pipe(b);
      a.on("error", () => {});
      a.on("close", () => {
        sockets.delete(a);
        b.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", 1_024, resolve));
  const address = server.address();
  return {
    port: typeof address === "object" && address ? address.port : 0,
    cut() {
      open = false;
      for (const socket of sockets) socket.destroy();
    },
    mend() {
      open = true;
    },
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

async function inBatches<T>(count: number, size: number, make: (i: number) => Promise<T>): Promise<T[]> {
  const made: T[] = [];
  let next = 0;
  const worker = async () => {
    for (let i = next++; i < count; i = next++) made[i] = await make(i);
  };
  await Promise.all(Array.from({ length: size }, worker));
  return made;
}

/** The nats-server that the host runs. Linux only; elsewhere its memory is not told. */
function childOf(pid: number | undefined): number | undefined {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1")
      .split(" ")
      .filter(Boolean)
      .map(Number);
    return children.find((child) => readFileSync(`/proc/${child}/comm`, "latin1").startsWith("nats-server"));
  } catch {
    return undefined;
  }
}

function residentMB(pid: number | undefined): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

function gone(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => child.once("exit", () => resolve()));
}

const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
