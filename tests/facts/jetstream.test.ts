// What lessons 02 to 07 claim about JetStream and the client and do not show by a program on their page or by a mistake.
import { execa } from "execa";
import {
  AckPolicy,
  type ConnectionOptions,
  ConsumerEvents,
  connect,
  consumerOpts,
  nanos,
  RetentionPolicy,
} from "nats";
import semver from "semver";
import { afterAll, expect, onTestFinished, test, vi } from "vitest";
import { CheckServer, Sight } from "../../checker/kit/check-server.ts";
import { findProgram } from "../../checker/nats/install/find.ts";
import { reapAll } from "../../checker/nats/reaper.ts";
import { NatsServer } from "../../checker/nats/server.ts";
import { Journal } from "../../checker/wire/journal.ts";

afterAll(reapAll);

/** A server, a connection to it and its managers, gone at the end of the test. */
async function scene(more: ConnectionOptions = {}) {
  const server = await NatsServer.start(await findProgram("nats-server"));
  const open = () => connect({ servers: server.url, ...server.user, ...more });
  const nc = await open();
  onTestFinished(async () => {
    server.resume();
    await nc.close();
    await server.close();
  });
  return { server, nc, open, js: nc.jetstream(), manager: await nc.jetstreamManager() };
}

const holds = (what: () => unknown, expected: unknown) =>
  vi.waitFor(async () => expect(await what()).toEqual(expected), { timeout: 20_000, interval: 20 });

const parcels = { name: "PARCELS", subjects: ["parcel.>"] };
const worker = { durable_name: "worker", ack_policy: AckPolicy.Explicit };

// Lesson 02
test("a stream without limits has none: it grows until the disk is full", async () => {
  const { manager } = await scene();
  const { config } = await manager.streams.add(parcels);
  expect(config).toMatchObject({ max_msgs: -1, max_bytes: -1, max_age: 0, discard: "old", storage: "file" });
});

test("a server asks the system every two minutes to write to the disk", async (context) => {
  const { server } = await scene();
  const { version } = server.program;
  if (semver.lt(version, "2.10.0")) context.skip(`nats-server ${version} does not report its sync_interval`);
  const { jetstream } = await server.monitor<{ jetstream: { config: { sync_interval: number } } }>("varz");
  expect(jetstream.config.sync_interval).toBe(nanos(120_000));
});

// Lesson 03
test("backoff replaces ack_wait, and is not for a message that got a nak", async () => {
  const { manager, js } = await scene();
  await manager.streams.add(parcels);
  const backoff = [nanos(60_000), nanos(120_000)];
  const { config } = await manager.consumers.add("PARCELS", {
    ...worker,
    ack_wait: nanos(5_000),
    backoff,
    max_deliver: 5,
  });
  expect(config.ack_wait).toBe(nanos(60_000));
  await js.publish("parcel.ams", "P-1");
  const consumer = await js.consumers.get("PARCELS", "worker");
  (await consumer.next({ expires: 20_000 }))?.nak();
  // A minute has not passed.
  expect((await consumer.next({ expires: 20_000 }))?.info.deliveryCount).toBe(2);
});

test("num_redelivered counts messages that were delivered again and have no final answer", async () => {
  const { manager, js } = await scene();
  const settles = (wanted: object) => expect.poll(counts, { timeout: 20_000 }).toEqual(wanted);
  await manager.streams.add(parcels);
  await manager.consumers.add("PARCELS", worker);
  await js.publish("parcel.ams", "P-1");
  const consumer = await js.consumers.get("PARCELS", "worker");
  const counts = async () => {
    const { num_pending, num_ack_pending, num_redelivered } = await manager.consumers.info(
      "PARCELS",
      "worker",
    );
    return { num_pending, num_ack_pending, num_redelivered };
  };
  // The server counts a moment after it has answered.
  await settles({ num_pending: 1, num_ack_pending: 0, num_redelivered: 0 });
  (await consumer.next({ expires: 20_000 }))?.nak();
  const again = await consumer.next({ expires: 20_000 });
  await js.publish("parcel.ams", "P-2");
  await settles({ num_pending: 1, num_ack_pending: 1, num_redelivered: 1 });
  await again?.ackAck();
  await settles({ num_pending: 1, num_ack_pending: 0, num_redelivered: 0 });
});

// Lesson 04
test("a claim is given up by deleting its message, or handed on with its sequence as the expectation", async () => {
  const { manager, js } = await scene();
  await manager.streams.add({ name: "LOCKERS", subjects: ["locker.*"] });
  const claim = (parcel: string, lastSubjectSequence: number) =>
    js.publish("locker.A-1", parcel, { expect: { lastSubjectSequence } });
  const { seq } = await claim("P-1", 0);
  await expect(claim("P-2", 0)).rejects.toMatchObject({ api_error: { err_code: 10071 } });
  const next = await claim("P-2", seq);
  await manager.streams.deleteMessage("LOCKERS", next.seq);
  // The subject's last message is the one before it now; when that is gone, too, the locker is as good as new.
  await manager.streams.deleteMessage("LOCKERS", seq);
  expect((await claim("P-3", 0)).seq).toBe(next.seq + 1);
});

test("a key-value bucket has create and update on the same mechanism", async () => {
  const { js } = await scene();
  const lockers = await js.views.kv("LOCKERS");
  const revision = await lockers.create("A-1", "P-1");
  await expect(lockers.create("A-1", "P-2")).rejects.toMatchObject({ api_error: { err_code: 10071 } });
  await expect(lockers.update("A-1", "P-2", revision + 1)).rejects.toMatchObject({
    api_error: { err_code: 10071 },
  });
  await lockers.update("A-1", "P-2", revision);
  expect((await lockers.get("A-1"))?.string()).toBe("P-2");
});

test("a message id counts within one stream", async () => {
  const { manager, js } = await scene();
  await manager.streams.add({ name: "ONE", subjects: ["one"] });
  await manager.streams.add({ name: "TWO", subjects: ["two"] });
  const id = { msgID: "S-7-1" };
  expect(await js.publish("one", "", id)).toMatchObject({ duplicate: false });
  expect(await js.publish("one", "", id)).toMatchObject({ duplicate: true });
  expect(await js.publish("two", "", id)).toMatchObject({ duplicate: false });
});

// Lesson 05
test("connz shows each subscription with its group, and what waits for a slow reader", async () => {
  const { server, nc } = await scene({ name: "printer-1" });
  nc.subscribe("label.*", { queue: "printers" });
  await nc.flush();
  const { connections } = await server.monitor<{
    connections: { name: string; pending_bytes: number; subscriptions_list_detail?: object[] }[];
  }>("connz?subs=detail");
  const printer = connections.find(({ name }) => name === "printer-1");
  expect(printer?.pending_bytes).toBe(0);
  expect(printer?.subscriptions_list_detail).toContainEqual(
    expect.objectContaining({ subject: "label.*", qgroup: "printers" }),
  );
});

test("services share requests in a queue group, and count requests and what their code throws", async () => {
  const { nc } = await scene();
  const answered: string[] = [];
  for (const name of ["one", "two"]) {
    const service = await nc.services.add({ name: "printers", version: "1.0.0" });
    service.addEndpoint("label", (error, message) => {
      if (error) throw error;
      answered.push(name);
      if (message.string() === "bad") throw new Error("there is no such parcel");
      message.respond("label");
    });
  }
  await nc.flush();
  for (const text of ["P-1", "P-2", "bad"]) await nc.request("label", text);
  expect(answered.length).toBe(3);
  const stats = [];
  for await (const each of await nc.services.client().stats("printers"))
    stats.push(...(each.endpoints ?? []));
  expect(stats.reduce((sum, { num_requests }) => sum + num_requests, 0)).toBe(3);
  expect(stats.reduce((sum, { num_errors }) => sum + num_errors, 0)).toBe(1);
});

// Lesson 06
test("max_ack_pending is 1000 by default, and 1 makes workers take turns, in order", async () => {
  const { manager, js } = await scene();
  await manager.streams.add(parcels);
  expect((await manager.consumers.add("PARCELS", worker)).config.max_ack_pending).toBe(1000);
  await manager.consumers.add("PARCELS", { ...worker, durable_name: "turns", max_ack_pending: 1 });
  for (let no = 1; no <= 6; no++) await js.publish("parcel.ams", String(no));
  const order: string[] = [];
  let atWork = 0;
  let most = 0;
  const stops = [];
  for (const _ of [1, 2]) {
    const consumer = await js.consumers.get("PARCELS", "turns");
    const messages = await consumer.consume({
      callback: async (message) => {
        most = Math.max(most, ++atWork);
        await new Promise((resolve) => setImmediate(resolve));
        order.push(message.string());
        atWork--;
        message.ack();
      },
    });
    stops.push(messages);
  }
  await holds(() => order, ["1", "2", "3", "4", "5", "6"]);
  expect(most).toBe(1);
  for (const messages of stops) messages.stop();
});

test("nats consumer report shows what has no ack yet and what is unprocessed", async () => {
  const { server, manager } = await scene();
  await manager.streams.add(parcels);
  await manager.consumers.add("PARCELS", worker);
  const { path } = await findProgram("nats");
  const { user, pass } = server.user;
  const { stdout } = await execa(path, [
    "-s",
    server.url,
    "--user",
    user,
    "--password",
    pass,
    "consumer",
    "report",
    "PARCELS",
  ]);
  expect(stdout).toContain("Ack Pending");
  expect(stdout).toContain("Unprocessed");
});

// Lesson 07
test("a work queue refuses a second consumer on the same subjects, and has no more what is acked", async () => {
  const { manager, js } = await scene();
  await manager.streams.add({ ...parcels, retention: RetentionPolicy.Workqueue });
  await manager.consumers.add("PARCELS", worker);
  const screen = manager.consumers.add("PARCELS", { ...worker, durable_name: "screen" });
  await expect(screen).rejects.toMatchObject({ api_error: { err_code: 10099 } });
  await js.publish("parcel.ams", "P-1");
  await (await (await js.consumers.get("PARCELS", "worker")).next({ expires: 20_000 }))?.ackAck();
  await holds(async () => (await manager.streams.info("PARCELS")).state.messages, 0);
});

test("a durable consumer stays when nobody uses it", async () => {
  const { manager, open } = await scene();
  await manager.streams.add(parcels);
  const { config } = await manager.consumers.add("PARCELS", worker);
  expect(config.inactive_threshold ?? 0).toBe(0);
  const other = await open();
  await (await other.jetstream().consumers.get("PARCELS", "worker")).info();
  await other.close();
  expect((await manager.consumers.info("PARCELS", "worker")).name).toBe("worker");
});

test.skipIf(process.platform === "win32")(
  "missed heartbeats are an event in the status of consume()",
  async () => {
    const { server, manager, js } = await scene();
    await manager.streams.add(parcels);
    await manager.consumers.add("PARCELS", worker);
    const messages = await (await js.consumers.get("PARCELS", "worker")).consume({
      idle_heartbeat: 500,
      expires: 30_000,
    });
    const reading = (async () => {
      for await (const message of messages) message.ack();
    })();
    const missed = (async () => {
      for await (const { type } of await messages.status())
        if (type === ConsumerEvents.HeartbeatsMissed) return type;
      return undefined;
    })();
    await holds(async () => (await manager.consumers.info("PARCELS", "worker")).num_waiting, 1);
    server.pause();
    expect(await missed).toBe(ConsumerEvents.HeartbeatsMissed);
    server.resume();
    messages.stop();
    await reading;
  },
);

test("a loss at the very end shows by itself to an ordered consumer that is pushed, to one that pulls with the next message", async () => {
  const { server, manager, js } = await scene();
  await manager.streams.add(parcels);
  const journal = new Journal();
  const depot = await CheckServer.start(server, new Sight(journal));
  onTestFinished(() => depot.close());
  const shown: Record<"pushed" | "pulls", number[]> = { pushed: [], pulls: [] };
  const pushed = (await depot.connect("pushed", { recorded: true })).jetstream();
  const options = consumerOpts().orderedConsumer().idleHeartbeat(500);
  await pushed.subscribe(
    "parcel.>",
    options.callback((_, message) => void (message && shown.pushed.push(message.seq))),
  );
  const pulls = (await depot.connect("pulls", { recorded: true })).jetstream();
  const screen = await (await pulls.consumers.get("PARCELS")).consume({
    expires: 1_000,
    callback: ({ seq }) => void shown.pulls.push(seq),
  });
  await js.publish("parcel.ams", "P-1");
  await holds(() => shown, { pushed: [1], pulls: [1] });
  const lost = depot.relay.hold((event) => event.kind === "delivery");
  for (const no of [2, 3]) await js.publish("parcel.ams", `P-${no}`);
  await holds(() => lost.events.length, 4);
  const cutAfter = journal.mark();
  lost.drop();
  for (const who of ["pushed", "pulls"]) depot.relay.cut(who);
  await holds(() => shown.pushed, [1, 2, 3]);
  // The one that pulls has heartbeats, too, and pulls that ended.
  await vi.waitFor(
    () =>
      expect(
        journal.statuses(({ client, index }) => client === "pulls" && index > cutAfter).length,
      ).toBeGreaterThan(4),
    { timeout: 20_000, interval: 20 },
  );
  expect(shown.pulls).toEqual([1]);
  await js.publish("parcel.ams", "P-4");
  await holds(() => shown, { pushed: [1, 2, 3, 4], pulls: [1, 2, 3, 4] });
  screen.stop();
});

test.each(["next", "fetch"] as const)(
  "%s() ends by the client's clock: what comes later is thrown away, and comes again after ack_wait",
  async (way) => {
    const { server, manager, js } = await scene();
    await manager.streams.add(parcels);
    const ackWaitMs = 2_000;
    await manager.consumers.add("PARCELS", { ...worker, ack_wait: nanos(ackWaitMs) });
    const journal = new Journal();
    const depot = await CheckServer.start(server, new Sight(journal));
    onTestFinished(() => depot.close());
    const nc = await depot.connect("worker", { recorded: true });
    const consumer = await nc.jetstream().consumers.get("PARCELS", "worker");
    const asks = async () => {
      if (way === "next") return consumer.next({ expires: 1_000 });
      for await (const message of await consumer.fetch({ max_messages: 1, expires: 1_000 })) return message;
      return null;
    };
    // The server answers in time, and the network is slow.
    const late = depot.relay.hold((event) => event.kind === "delivery", {
      who: "worker",
      what: "the parcel",
    });
    const asked = asks();
    await js.publish("parcel.ams", "P-1");
    expect(await asked).toBeNull();
    late.release();
    await holds(() => journal.deliveries().length, 1);
    expect(await manager.consumers.info("PARCELS", "worker")).toMatchObject({
      num_ack_pending: 1,
      num_pending: 0,
    });
    const again = await consumer.next({ expires: 20_000 });
    expect(again?.info.deliveryCount).toBe(2);
  },
);
