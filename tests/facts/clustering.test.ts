// What lesson 12 claims about clusters and does not show by a program on its page or by a mistake. One cluster for all: each test leaves
// it whole.
import {
  AckPolicy,
  connect,
  type NatsConnection,
  type NatsError,
  StorageType,
  type StreamConfig,
} from "nats";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { NatsCluster } from "../../checker/nats/cluster.ts";
import { findProgram } from "../../checker/nats/install/find.ts";
import { reapAll } from "../../checker/nats/reaper.ts";
import type { NatsServer } from "../../checker/nats/server.ts";

const posix = process.platform !== "win32";
let cluster: NatsCluster;

beforeAll(async () => {
  cluster = await NatsCluster.start(await findProgram("nats-server"));
}, 120_000);

afterAll(async () => {
  await cluster?.close();
  await reapAll();
});

/** A connection that stays at one node. */
async function at(node: NatsServer, more = {}): Promise<NatsConnection> {
  const nc = await connect({
    servers: node.url,
    ...node.user,
    ignoreClusterUpdates: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 50,
    ...more,
  });
  onTestFinished(() => nc.close());
  return nc;
}

async function until<T>(what: () => Promise<T | undefined | false>): Promise<T> {
  for (;;) {
    const value = await what();
    if (value) return value;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const quiet = <T>(promise: Promise<T>): Promise<T | undefined> => promise.catch(() => undefined);
const others = (...these: NatsServer[]) => cluster.nodes.filter((node) => !these.includes(node));
const leader = (name: string, consumer?: string) => until(() => cluster.streamLeader(name, consumer));

/** A stream that is there on as many nodes as it says, and taken away again. */
async function stream(name: string, more: Partial<StreamConfig> = {}) {
  const nc = await at(cluster.nodes[0] as NatsServer);
  const manager = await nc.jetstreamManager({ timeout: 5_000, checkAPI: false });
  const num_replicas = more.num_replicas ?? 3;
  const wanted = { name, subjects: [`${name}.*`], ...more, num_replicas };
  // A leader that was just chosen may leave a request without an answer.
  await until(() => quiet(manager.streams.add(wanted)));
  await until(async () => {
    const info = await quiet(manager.streams.info(name));
    const replicas = info?.cluster?.replicas ?? [];
    return (
      info && replicas.filter(({ current, active }) => current && active > 0).length === num_replicas - 1
    );
  });
  onTestFinished(async () => {
    await cluster.formed();
    await until(() => manager.streams.delete(name).catch(({ code }: NatsError) => code === "404"));
  });
}

/** What becomes of a message: its sequence, or the error's code. */
const publish = (nc: NatsConnection, subject: string, msgID?: string, timeout = 1_000) =>
  nc
    .jetstream()
    .publish(subject, "", { timeout, ...(msgID !== undefined && { msgID }) })
    .then(
      ({ seq, duplicate }) => ({ seq, duplicate }),
      ({ code, api_error }: NatsError) => ({ code: api_error?.err_code ?? code }),
    );

/** Publishes until the message is stored. */
const stored = (nc: NatsConnection, subject: string, msgID?: string, timeout?: number) =>
  until(async () => {
    const answer = await publish(nc, subject, msgID, timeout);
    return "seq" in answer && answer;
  });

const seconds = 1_000;

test("a stream without copies is away while its node is, and back with it", async () => {
  await stream("ONE", { num_replicas: 1 });
  const holder = await leader("ONE");
  const nc = await at(others(holder)[0] as NatsServer);
  expect(await stored(nc, "ONE.a")).toMatchObject({ seq: 1 });
  await holder.kill();
  expect(await until(async () => "code" in (await publish(nc, "ONE.a")))).toBe(true);
  await holder.restart();
  await cluster.formed();
  expect((await stored(nc, "ONE.a")).seq).toBeGreaterThan(1);
}, 120_000);

test("right after a stream was made, a node may not know of it yet", async () => {
  const connections = await Promise.all(cluster.nodes.map((node) => at(node)));
  const { streams } = await (connections[0] as NatsConnection).jetstreamManager({ timeout: 30 * seconds });
  const refused = await until(async () => {
    await streams.add({ name: "NEW", subjects: ["NEW.*"] });
    const answers = await Promise.all(connections.map((nc) => publish(nc, "NEW.a")));
    // A moment later all know it.
    for (const nc of connections) await stored(nc, "NEW.a");
    await streams.delete("NEW");
    return answers.find((answer) => "code" in answer && answer.code !== "TIMEOUT");
  });
  expect(refused).toEqual({ code: "503" });
}, 120_000);

test("of two copies one can still be read from, and takes nothing", async () => {
  await stream("TWO", { num_replicas: 2 });
  const held = await leader("TWO");
  const nc = await at(held);
  expect(await stored(nc, "TWO.a")).toMatchObject({ seq: 1 });
  const manager = await nc.jetstreamManager({ timeout: 5 * seconds });
  const [follower] = (await manager.streams.info("TWO")).cluster?.replicas ?? [];
  const second = cluster.node(follower?.name ?? "");
  await second.kill();
  expect((await manager.streams.getMessage("TWO", { seq: 1 })).seq).toBe(1);
  for (let i = 0; i < 3; i++) expect(await publish(nc, "TWO.a")).toHaveProperty("code");
  await second.restart();
}, 120_000);

test("three copies in memory are gone when the power of all nodes is", async () => {
  await stream("MEMORY", { storage: StorageType.Memory });
  await stream("DISK");
  const nc = await at(cluster.nodes[0] as NatsServer);
  for (const name of ["MEMORY", "DISK"]) expect(await stored(nc, `${name}.a`)).toMatchObject({ seq: 1 });
  await Promise.all(cluster.nodes.map((node) => node.kill()));
  await Promise.all(cluster.nodes.map((node) => node.restart()));
  await cluster.formed();
  const manager = await nc.jetstreamManager({ timeout: 2 * seconds, checkAPI: false });
  const messages = (name: string) =>
    until(async () => {
      const info = await quiet(manager.streams.info(name));
      return info?.cluster?.leader !== undefined && { count: info.state.messages };
    });
  expect(await messages("DISK")).toEqual({ count: 1 });
  expect(await messages("MEMORY")).toEqual({ count: 0 });
}, 180_000);

test("a new leader knows the message ids of the old one", async () => {
  await stream("IDS");
  const old = await leader("IDS");
  const nc = await at(others(old)[0] as NatsServer);
  // So long that no second try is made of one that was stored.
  const first = await stored(nc, "IDS.a", "scan 1", 30 * seconds);
  expect(first).toEqual({ seq: 1, duplicate: false });
  await old.kill();
  expect(await stored(nc, "IDS.a", "scan 1")).toEqual({ seq: 1, duplicate: true });
  await old.restart();
}, 120_000);

test.skipIf(!posix)(
  "a leader that reaches nobody says of a second try that the first is in process",
  async () => {
    await stream("ALONE");
    const lone = await leader("ALONE");
    const nc = await at(lone);
    for (const node of others(lone)) node.pause();
    onTestFinished(() => {
      for (const node of others(lone)) node.resume();
    });
    expect(await publish(nc, "ALONE.a", "scan 1", 500)).toEqual({ code: "TIMEOUT" });
    expect(await publish(nc, "ALONE.a", "scan 1", 500)).toEqual({ code: 10158 });
    for (const node of others(lone)) node.resume();
    expect((await stored(nc, "ALONE.a", "scan 1")).seq).toBe(1);
  },
  120_000,
);

test("a request for messages is told that the consumer's leader has changed, and is not answered by the new one", async () => {
  await stream("PULLS");
  const nc = await at(cluster.nodes[0] as NatsServer);
  const manager = await nc.jetstreamManager({ timeout: 30 * seconds });
  await manager.consumers.add("PULLS", { durable_name: "worker", ack_policy: AckPolicy.Explicit });
  const old = await leader("PULLS", "worker");
  const heard: string[] = [];
  nc.subscribe("answers", {
    callback: (_, message) => void heard.push(message.headers?.description ?? message.subject),
  });
  const pull = { batch: 1, expires: 300 * seconds * 1_000_000 };
  nc.publish("$JS.API.CONSUMER.MSG.NEXT.PULLS.worker", JSON.stringify(pull), { reply: "answers" });
  await nc.flush();
  await until(async () => (await manager.consumers.info("PULLS", "worker")).num_waiting === 1);
  await nc.request("$JS.API.CONSUMER.LEADER.STEPDOWN.PULLS.worker", "", { timeout: 30 * seconds });
  await until(async () => (await leader("PULLS", "worker")) !== old);
  await until(async () => "seq" in (await publish(nc, "PULLS.a")));
  await until(async () => heard.length > 0);
  expect(heard).toEqual(["Leadership Change"]);
}, 120_000);

test("a durable consumer has as many copies as its stream; an ordered one has one", async () => {
  await stream("COPIES");
  const nc = await at(cluster.nodes[0] as NatsServer);
  const manager = await nc.jetstreamManager({ timeout: 30 * seconds });
  const durable = await manager.consumers.add("COPIES", {
    durable_name: "worker",
    ack_policy: AckPolicy.Explicit,
  });
  expect(durable.cluster?.replicas).toHaveLength(2);
  const ordered = await nc.jetstream().consumers.get("COPIES");
  expect((await ordered.info()).cluster?.replicas ?? []).toHaveLength(0);
}, 60_000);

test("a core subscription moves to another node, and hears nothing of what was published while its client was away", async () => {
  const [first, second] = cluster.nodes as [NatsServer, NatsServer];
  const moving = await connect({ servers: [first.url, second.url], noRandomize: true, ...first.user });
  onTestFinished(() => moving.close());
  const staying = await at(first);
  const publisher = await at(second);
  const heard = { moving: new Set<string>(), staying: new Set<string>() };
  moving.subscribe("van.1", { callback: (_, message) => void heard.moving.add(message.string()) });
  staying.subscribe("van.1", { callback: (_, message) => void heard.staying.add(message.string()) });
  await Promise.all([moving.flush(), staying.flush()]);
  /** Says it until they have heard it. */
  const say = (word: string, ...who: Set<string>[]) =>
    until(async () => {
      publisher.publish("van.1", word);
      await publisher.flush();
      return who.every((each) => each.has(word));
    });
  await say("before", heard.moving, heard.staying);
  await first.kill();
  await say("between", heard.moving);
  await first.restart();
  await cluster.formed();
  await say("after", heard.moving, heard.staying);
  expect([...heard.staying]).toEqual(["before", "after"]);
}, 60_000);

test("clients are told the addresses that the servers are told to advertise", async () => {
  const advertise = ["127.0.0.1:7001", "127.0.0.1:7002", "127.0.0.1:7003"];
  const told = await NatsCluster.start(await findProgram("nats-server"), { jetstream: false, advertise });
  onTestFinished(() => told.close());
  const nc = await at(told.nodes[0] as NatsServer);
  expect(nc.info?.connect_urls?.toSorted()).toEqual(advertise);
}, 60_000);
