// What the lessons' tables say about NATS Streaming, asked of the real server with its own client for Node.
import { connect } from "nats";
import type { Message, Stan } from "node-nats-streaming";
import { afterAll, expect, onTestFinished, test, vi } from "vitest";
import { freePortAfter } from "../../checker/nats/port.ts";
import { reapAll } from "../../checker/nats/reaper.ts";
import { publish, StreamingServer, subscribe } from "./streaming-server.ts";

afterAll(reapAll);

/** A server with one client of it, gone at the end of the test. */
async function scene(...flags: string[]): Promise<{ server: StreamingServer; client: Stan }> {
  const server = await StreamingServer.start(...flags);
  onTestFinished(() => server.close());
  return { server, client: await server.connect("depot") };
}

const holds = (what: () => unknown, expected: unknown) =>
  vi.waitFor(() => expect(what()).toEqual(expected), { timeout: 20_000, interval: 20 });

const texts = (messages: readonly Message[]) => messages.map((message) => String(message.getData()));
const sequences = (messages: readonly Message[]) => messages.map((message) => message.getSequence());

test("a channel is made by the first publish, each publish has its ack, and who was away gets it later", async () => {
  const { client } = await scene();
  const ids = [await publish(client, "parcel", "P-1"), await publish(client, "parcel", "P-2")];
  expect(new Set(ids).size).toBe(2);
  const { got } = await subscribe(client, "parcel");
  await holds(() => texts(got), ["P-1", "P-2"]);
});

test("channels have no wildcards", async () => {
  const { client } = await scene();
  await expect(publish(client, "parcel.*", "P-1")).rejects.toThrow(/invalid publish request/);
  await expect(subscribe(client, "parcel.>")).rejects.toThrow(/invalid subject/);
});

test("plain NATS clients see nothing of a channel, and put nothing into it", async () => {
  const { server, client } = await scene();
  const plain = await connect({ servers: server.url });
  const heard: string[] = [];
  plain.subscribe("parcel", { callback: (_, message) => void heard.push(message.string()) });
  plain.publish("parcel", "plain");
  await plain.flush();
  await publish(client, "parcel", "P-1");
  const { got } = await subscribe(client, "parcel");
  await holds(() => texts(got), ["P-1"]);
  await plain.flush();
  expect(heard).toEqual(["plain"]);
  await plain.close();
});

test("a full channel forgets its oldest message, by limits of the server's own configuration", async () => {
  const { client } = await scene("--max_msgs", "3");
  for (const text of ["P-1", "P-2", "P-3", "P-4"]) await publish(client, "parcel", text);
  const { got } = await subscribe(client, "parcel");
  await holds(() => texts(got), ["P-2", "P-3", "P-4"]);
});

test("a channel holds a million messages and about 1 GB, if nobody says otherwise", async () => {
  const port = await freePortAfter(20_000 + Math.floor(Math.random() * 30_000));
  await scene("-m", String(port));
  const response = await fetch(`http://127.0.0.1:${port}/streaming/storez`);
  expect(await response.json()).toMatchObject({
    limits: { max_msgs: 1_000_000, max_bytes: 1_024_000_000 },
  });
});

test("a client whose pings the server does not answer is lost for good: it is closed, and publish throws", async () => {
  const { server } = await scene();
  const client = await server.connect("board", { stanPingInterval: 1_000, stanMaxPingOut: 1 });
  let lost = false;
  client.on("connection_lost", () => {
    lost = true;
  });
  server.pause();
  await holds(() => lost, true);
  expect(() => client.publish("parcel", "P-1")).toThrow(/connection closed/i);
});

test("by default a client pings every 5 seconds, and gives up after three pings without an answer", async () => {
  const { client } = await scene();
  expect(client).toMatchObject({ stanPingInterval: 5_000, stanMaxPingOut: 3 });
});

test("the same message again is stored again, under the channel's next sequence", async () => {
  const { client } = await scene();
  for (const _ of [1, 2]) await publish(client, "parcel", "P-1");
  await publish(client, "other", "P-1");
  const { got } = await subscribe(client, "parcel");
  const other = await subscribe(client, "other");
  await holds(() => sequences(got), [1, 2]);
  await holds(() => sequences(other.got), [1]);
  // A sequence of its own for the subscription does not exist: the message has no other number.
  expect(Object.keys(Object.getPrototypeOf(got[0] as object)).filter((name) => /seq/i.test(name))).toEqual([
    "getSequence",
  ]);
});

test("the client acks when the callback returns, and what is acked stays in the channel", async () => {
  const { client } = await scene();
  await publish(client, "parcel", "P-1");
  const first = await subscribe(client, "parcel", (options) =>
    options.setDeliverAllAvailable().setAckWait(1_000),
  );
  await holds(() => texts(first.got), ["P-1"]);
  const manual = await subscribe(client, "parcel", (options) =>
    options.setDeliverAllAvailable().setAckWait(1_000).setManualAckMode(true),
  );
  // The one that acks nothing gets it again after its ack wait, and knows no more than that it is a redelivery.
  await holds(() => manual.got.slice(0, 2).map((message) => message.isRedelivered()), [false, true]);
  manual.got[0]?.ack();
  expect(texts(first.got)).toEqual(["P-1"]);
  // nak, term and a sign of life are not there.
  expect(["nak", "term", "working"].filter((name) => name in (manual.got[0] as object))).toEqual([]);
  const late = await subscribe(client, "parcel");
  await holds(() => texts(late.got), ["P-1"]);
});

test("maxInFlight holds for each subscription, also in a group, and is 16384 by default", async () => {
  const { client } = await scene();
  expect(client.subscriptionOptions().maxInFlight).toBe(16_384);
  for (const text of ["P-1", "P-2", "P-3"]) await publish(client, "parcel", text);
  const one = await subscribe(client, "parcel", withoutAck, "vans");
  const two = await subscribe(client, "parcel", withoutAck, "vans");
  await holds(() => [one.got.length, two.got.length], [1, 1]);
});

const withoutAck = (options: ReturnType<Stan["subscriptionOptions"]>) =>
  options.setDeliverAllAvailable().setManualAckMode(true).setMaxInFlight(1);

test("when a member of a group dies, another one gets its message after the ack wait", async () => {
  const { server, client } = await scene();
  const set = (options: ReturnType<Stan["subscriptionOptions"]>) => withoutAck(options).setAckWait(1_000);
  const dying = await server.connect("van-1");
  const first = await subscribe(dying, "parcel", set, "vans");
  await publish(client, "parcel", "P-1");
  await holds(() => texts(first.got), ["P-1"]);
  const from = performance.now();
  server.cut(dying);
  const second = await subscribe(await server.connect("van-2"), "parcel", set, "vans");
  await holds(() => texts(second.got.slice(0, 1)), ["P-1"]);
  expect(performance.now() - from).toBeGreaterThan(500);
});

test("a durable group keeps its place when the last member closes, and loses it when that one unsubscribes", async () => {
  const { client } = await scene();
  await publish(client, "parcel", "P-1");
  const join = () =>
    subscribe(client, "parcel", (options) => options.setDeliverAllAvailable().setDurableName("vans"), "vans");
  const first = await join();
  await holds(() => texts(first.got), ["P-1"]);
  const left = (end: "close" | "unsubscribe", subscription: (typeof first)["subscription"]) =>
    new Promise((resolve) => {
      subscription.once(end === "close" ? "closed" : "unsubscribed", resolve);
      subscription[end]();
    });
  await left("close", first.subscription);
  await publish(client, "parcel", "P-2");
  const second = await join();
  await holds(() => texts(second.got), ["P-2"]);
  await left("unsubscribe", second.subscription);
  const third = await join();
  await holds(() => texts(third.got), ["P-1", "P-2"]);
});

test("a group begins where its first member began", async () => {
  const { client } = await scene();
  for (const text of ["P-1", "P-2", "P-3"]) await publish(client, "parcel", text);
  const from = (sequence: number) =>
    subscribe(client, "parcel", (options) => options.setStartAtSequence(sequence), "vans");
  const first = await from(3);
  await holds(() => sequences(first.got), [3]);
  const second = await from(1);
  await publish(client, "parcel", "P-4");
  await holds(() => sequences([...first.got, ...second.got]).sort(), [3, 4]);
});

test("a durable subscription has its place after a restart of its program", async () => {
  const { server, client } = await scene();
  const reading = async (id: string) => {
    const program = await server.connect(id);
    const { got } = await subscribe(program, "parcel", (options) =>
      options.setDeliverAllAvailable().setDurableName("ledger"),
    );
    return { program, got };
  };
  await publish(client, "parcel", "P-1");
  const before = await reading("ledger");
  await holds(() => texts(before.got), ["P-1"]);
  const closed = new Promise((resolve) => before.program.once("close", resolve));
  before.program.close();
  await closed;
  await publish(client, "parcel", "P-2");
  const after = await reading("ledger");
  await holds(() => texts(after.got), ["P-2"]);
});

test.skipIf(process.platform === "win32")(
  "a publish to a server that is stuck runs into its timeout",
  async () => {
    const { server } = await scene();
    const client = await server.connect("upload", { ackTimeout: 300, maxPubAcksInflight: 2 });
    server.pause();
    await expect(publish(client, "parcel", "P-1")).rejects.toThrow(/publish ack timeout/);
  },
);

test("a subscription begins at a sequence, at a time or with the last one, and no message tells how many are to come", async () => {
  const { client } = await scene();
  for (const text of ["P-1", "P-2", "P-3"]) await publish(client, "parcel", text);
  const from = async (set: Parameters<typeof subscribe>[2]) => (await subscribe(client, "parcel", set)).texts;
  const second = await from((options) => options.setStartAtSequence(2));
  const last = await from((options) => options.setStartWithLastReceived());
  const recent = await from((options) => options.setStartAtTimeDelta(3_600_000));
  const later = await from((options) => options.setStartTime(new Date(Date.now() + 3_600_000)));
  const all = await subscribe(client, "parcel");
  await holds(() => all.texts(), ["P-1", "P-2", "P-3"]);
  await holds(second, ["P-2", "P-3"]);
  await holds(last, ["P-3"]);
  await holds(recent, ["P-1", "P-2", "P-3"]);
  expect(later()).toEqual([]);
  const told = Object.getOwnPropertyNames(Object.getPrototypeOf(all.got[0] as object));
  expect(told.filter((name) => /pending|remain|left/i.test(name))).toEqual([]);
});

const manual = (options: ReturnType<Stan["subscriptionOptions"]>) =>
  options.setDeliverAllAvailable().setManualAckMode(true).setAckWait(1_000);
const durable = (options: ReturnType<Stan["subscriptionOptions"]>) =>
  manual(options).setDurableName("customs");
const ended = (subscription: NodeJS.EventEmitter, event: "closed" | "unsubscribed") =>
  new Promise((resolve) => subscription.once(event, resolve));

test("after a crash a durable goes on at once, under the same client id; what was sent to nobody is marked, too", async () => {
  const { server, client } = await scene();
  await publish(client, "parcel", "P-1");
  const dying = await server.connect("desk");
  const first = await subscribe(dying, "parcel", durable);
  await holds(() => texts(first.got), ["P-1"]);
  server.cut(dying);
  // The server does not know yet that nobody is there.
  await publish(client, "parcel", "P-2");
  const second = await subscribe(await server.connect("desk"), "parcel", durable);
  await holds(() => second.got.slice(0, 2).map((message) => message.isRedelivered()), [true, true]);
  expect(texts(second.got.slice(0, 2))).toEqual(["P-1", "P-2"]);
});

test("a durable is known by its client id, too, and is for one subscription at a time", async () => {
  const { server, client } = await scene();
  await publish(client, "parcel", "P-1");
  const desk = await server.connect("desk");
  const first = await subscribe(desk, "parcel", durable);
  await holds(() => texts(first.got.slice(0, 1)), ["P-1"]);
  first.got[0]?.ack();
  const other = await subscribe(await server.connect("other-desk"), "parcel", durable);
  await holds(() => texts(other.got.slice(0, 1)), ["P-1"]);
  await expect(subscribe(desk, "parcel", durable)).rejects.toThrow("stan: duplicate durable registration");
});

test("a subscription that is closed sends no ack, and says nothing about it", async () => {
  const { client } = await scene();
  await publish(client, "parcel", "P-1");
  const first = await subscribe(client, "parcel", durable);
  await holds(() => texts(first.got), ["P-1"]);
  first.subscription.close();
  await ended(first.subscription, "closed");
  first.got[0]?.ack();
  const second = await subscribe(client, "parcel", durable);
  await holds(() => texts(second.got.slice(0, 1)), ["P-1"]);
});

test("an ack before the close counts", async () => {
  const { client } = await scene();
  await publish(client, "parcel", "P-1");
  const first = await subscribe(client, "parcel", durable);
  await holds(() => texts(first.got), ["P-1"]);
  first.got[0]?.ack();
  first.subscription.close();
  await ended(first.subscription, "closed");
  await publish(client, "parcel", "P-2");
  const second = await subscribe(client, "parcel", durable);
  await holds(() => texts(second.got.slice(0, 1)), ["P-2"]);
});

test("what has no ack comes again behind higher sequences, and as often as it takes", async () => {
  const { client } = await scene();
  for (const text of ["P-1", "P-2", "P-3"]) await publish(client, "parcel", text);
  const { got } = await subscribe(client, "parcel", (options) => manual(options).setMaxInFlight(3));
  await holds(() => sequences(got).slice(0, 3), [1, 2, 3]);
  for (const message of got.slice(1, 3)) message.ack();
  await holds(() => sequences(got).slice(3, 6), [1, 1, 1]);
});

test("with one in flight, nothing comes before the ack, but for the same message; and a late ack counts", async () => {
  const { client } = await scene();
  for (const text of ["P-1", "P-2"]) await publish(client, "parcel", text);
  const { got } = await subscribe(client, "parcel", (options) => manual(options).setMaxInFlight(1));
  await holds(() => sequences(got).slice(0, 2), [1, 1]);
  got[0]?.ack();
  await holds(() => sequences(got).at(-1), 2);
});

test("to start at a sequence that is gone is no error", async () => {
  const { client } = await scene("--max_msgs", "2");
  for (const text of ["P-1", "P-2", "P-3"]) await publish(client, "parcel", text);
  const { got } = await subscribe(client, "parcel", (options) => options.setStartAtSequence(1));
  await holds(() => sequences(got), [2, 3]);
});
