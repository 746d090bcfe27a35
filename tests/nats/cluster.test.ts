// A cluster of three real servers: a replicated stream outlives its leader, killed, frozen or asked to step down.
import { connect, type NatsConnection, StorageType } from "nats";
import { afterAll, beforeAll, expect, test } from "vitest";
import { NatsCluster } from "../../checker/nats/cluster.ts";
import { findProgram } from "../../checker/nats/install/find.ts";
import { NatsServer } from "../../checker/nats/server.ts";
import { takePort } from "./take-port.ts";

let cluster: NatsCluster;
let nc: NatsConnection;

beforeAll(async () => {
  cluster = await NatsCluster.start(await findProgram("nats-server"));
  const [{ user }] = cluster.nodes as [NatsServer];
  nc = await connect({ servers: cluster.urls, ...user, maxReconnectAttempts: -1, reconnectTimeWait: 20 });
  const manager = await nc.jetstreamManager();
  await manager.streams.add({
    name: "PARCELS",
    subjects: ["parcel.>"],
    storage: StorageType.File,
    num_replicas: 3,
  });
});

afterAll(async () => {
  await nc?.close();
  await cluster?.close();
});

/** Waits until the condition gives a value. */
async function until<T>(what: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const value = await what();
    if (value !== undefined) return value;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Publishes one parcel, again with the same message id until it is stored; returns the stream's messages after it. */
async function publish(id: string): Promise<number> {
  const js = nc.jetstream({ timeout: 1_000 });
  await until(async () => {
    try {
      return await js.publish("parcel.ams.scan", id, { msgID: id });
    } catch {
      return undefined;
    }
  });
  const manager = await nc.jetstreamManager({ timeout: 5_000, checkAPI: false });
  return until(async () => {
    try {
      return (await manager.streams.info("PARCELS")).state.messages;
    } catch {
      return undefined;
    }
  });
}

/** Where the others of its cluster find it. */
async function routePort(node: NatsServer): Promise<number> {
  return (await node.monitor<{ cluster: { cluster_port: number } }>("varz")).cluster.cluster_port;
}

const anotherLeaderThan = (old: NatsServer) =>
  until(async () => {
    const leader = await cluster.streamLeader("PARCELS");
    return leader === old ? undefined : leader;
  });

test("three servers know each other and one leads", async () => {
  expect(cluster.urls).toHaveLength(3);
  expect(new Set(cluster.nodes.map((node) => node.pid)).size).toBe(3);
  expect(cluster.nodes).toContain(await cluster.metaLeader());
  expect(await publish("p1")).toBe(1);
});

test("the leader of a stream steps down, and another takes over", async () => {
  const old = await until(() => cluster.streamLeader("PARCELS"));
  await nc.request("$JS.API.STREAM.LEADER.STEPDOWN.PARCELS", "", { timeout: 10_000 });
  expect(await anotherLeaderThan(old)).not.toBe(old);
  expect(await publish("p2")).toBe(2);
});

test("the leader is killed: nothing is lost, and it comes back to its place", async () => {
  const old = await until(() => cluster.streamLeader("PARCELS"));
  await old.kill();
  expect(cluster.urls).toHaveLength(2);
  expect(await publish("p3")).toBe(3);
  await old.restart();
  await cluster.formed();
  expect(cluster.urls).toHaveLength(3);
  expect(await publish("p4")).toBe(4);
});

// Windows has no SIGSTOP.
test.skipIf(process.platform === "win32")(
  "the leader is frozen: another takes over, and the thawed one follows",
  async () => {
    const old = await until(() => cluster.streamLeader("PARCELS"));
    old.pause();
    // The client may sit on the frozen server: a connection of its own to one that answers.
    const [awake] = cluster.nodes.filter((node) => node !== old) as [NatsServer];
    const other = await connect({ servers: awake.url, ...awake.user });
    try {
      expect(await anotherLeaderThan(old)).not.toBe(old);
    } finally {
      await other.close();
      old.resume();
    }
    await cluster.formed();
    expect(await publish("p5")).toBe(5);
  },
);

test("a server whose port for the others was taken meanwhile goes to another one, and the cluster is whole again", async () => {
  const [moved, restarted] = cluster.nodes as [NatsServer, NatsServer];
  const before = await routePort(moved);
  await moved.kill();
  const other = await takePort(before);
  try {
    await moved.restart();
    expect(await routePort(moved)).not.toBe(before);
    await cluster.formed();
    // One that comes back later finds it, too.
    await restarted.restart();
    await cluster.formed();
    expect(await publish("p6")).toBe(6);
  } finally {
    other.close();
  }
});

test("a server of another cluster is let in by none", async () => {
  const [near] = cluster.nodes as [NatsServer];
  const stranger = await NatsServer.start(await findProgram("nats-server"), {
    name: "stranger",
    config: `cluster { name: hubs, listen: "127.0.0.1:-1", routes: [ "nats://127.0.0.1:${await routePort(near)}" ] }`,
  });
  try {
    await until(async () => stranger.log.find((line) => /Authorization Violation/.test(line)));
    for (const node of cluster.nodes) {
      const { routes = [] } = await node.monitor<{ routes?: { remote_name?: string }[] }>("routez");
      expect(new Set(routes.map((route) => route.remote_name)).size).toBe(2);
    }
    expect(await stranger.monitor("routez")).toMatchObject({ num_routes: 0 });
  } finally {
    await stranger.close();
  }
});

test("no server is left when it is closed", async () => {
  const more = await NatsCluster.start(await findProgram("nats-server"), { jetstream: false });
  const pids = more.nodes.map((node) => node.pid as number);
  await more.close();
  for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow("ESRCH");
});
