// What a move from NATS Streaming to JetStream rests on, asked of both servers.
import { AckPolicy, connect, headers, nanos, RetentionPolicy, StorageType } from "nats";
import type { Message, Stan } from "node-nats-streaming";
import { afterAll, expect, onTestFinished, test, vi } from "vitest";
import { closeStreaming, connectStreaming } from "../../checker/kit/streaming-client.ts";
import { findProgram } from "../../checker/nats/install/find.ts";
import { reapAll } from "../../checker/nats/reaper.ts";
import { NatsServer } from "../../checker/nats/server.ts";
import { StreamingServer } from "../../checker/nats/streaming-server.ts";
import { publish, subscribe } from "./streaming-server.ts";

afterAll(reapAll);

/** Both servers, as they stand side by side in a move, with a client of each. */
async function scene() {
  const nats = await NatsServer.start(await findProgram("nats-server"));
  const program = await findProgram("nats-streaming-server");
  const streaming = await StreamingServer.start(program, { url: nats.url, user: nats.user });
  const client: Stan = await connectStreaming({
    clusterId: streaming.clusterId,
    servers: `${nats.host}:${nats.port}`,
    ...nats.user,
    name: "mover",
    ackTimeout: 300,
  });
  const nc = await connect({
    servers: nats.url,
    ...nats.user,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 50,
  });
  onTestFinished(async () => {
    await nc.close();
    if (streaming.running) await closeStreaming(client);
    await streaming.close();
    await nats.close();
  });
  return { nats, streaming, client, nc, js: nc.jetstream(), jsm: await nc.jetstreamManager() };
}

const sequences = (messages: readonly Message[]) => messages.map((message) => message.getSequence());
const holds = (what: () => unknown, expected: unknown) =>
  vi.waitFor(async () => expect(await what()).toEqual(expected), { timeout: 20_000, interval: 20 });

test("a start sequence that is not there yet begins with the next message, whatever its sequence", async () => {
  const { client } = await scene();
  await publish(client, "scans", "P-1");
  const next = await subscribe(client, "scans", (options) => options.setStartAtSequence(2));
  const farther = await subscribe(client, "scans", (options) => options.setStartAtSequence(9));
  await publish(client, "scans", "P-2");
  await holds(() => sequences(next.got), [2]);
  await holds(() => sequences(farther.got), [2]);
});

test("a subscription outlives a kill of the nats-server, and what was lost comes again after the ack wait", async () => {
  const { nats, client } = await scene();
  await publish(client, "scans", "P-1");
  const { got } = await subscribe(client, "scans", (options) =>
    options.setDeliverAllAvailable().setManualAckMode(true).setAckWait(1_000).setMaxInFlight(1),
  );
  await holds(() => sequences(got).slice(0, 1), [1]);
  await nats.kill();
  await nats.restart();
  const from = performance.now();
  await vi.waitFor(() => expect(got.length).toBeGreaterThan(1), { timeout: 20_000, interval: 20 });
  console.log("again after", performance.now() - from);
  got.at(-1)?.ack();
  await vi.waitFor(() => publish(client, "scans", "P-2"), { timeout: 20_000, interval: 20 });
  console.log("published after", performance.now() - from);
  await vi.waitFor(() => expect(sequences(got)).toContain(2), { timeout: 20_000, interval: 20 });
  console.log("got after", performance.now() - from);
});

test("a message has its time in the channel, the same each time it comes", async () => {
  const { client } = await scene();
  const before = Date.now();
  await publish(client, "scans", "P-1");
  const one = await subscribe(client, "scans");
  await holds(() => sequences(one.got), [1]);
  const other = await subscribe(client, "scans");
  await holds(() => sequences(other.got), [1]);
  const time = one.got[0]?.getTimestamp();
  console.log(time, time?.toISOString());
  expect(other.got[0]?.getTimestamp()).toEqual(time);
  expect(Math.abs(Number(time) - before)).toBeLessThan(5_000);
});

test("a stream that knows an id answers with a duplicate, and does not look at the expectation", async () => {
  const { js, jsm } = await scene();
  await jsm.streams.add({ name: "SCANS", subjects: ["scans.*"] });
  await js.publish("scans.harbour", "P-1", { msgID: "scans 1", expect: { lastSubjectSequence: 0 } });
  const again = await js.publish("scans.harbour", "P-1", {
    msgID: "scans 1",
    expect: { lastSubjectSequence: 0 },
  });
  expect(again).toMatchObject({ seq: 1, duplicate: true });
});

test("an expectation for a subject looks at this subject only, for as long as the message is there, over a kill", async () => {
  const { nats, nc, js, jsm } = await scene();
  await jsm.streams.add({ name: "SCANS", subjects: ["scans.*"], duplicate_window: nanos(100) });
  await js.publish("scans.harbour", "P-1", { expect: { lastSubjectSequence: 0 } });
  await js.publish("scans.ams", "P-2");
  await nats.kill();
  await nats.restart();
  await nc.flush();
  await expect(
    vi.waitFor(() => js.publish("scans.harbour", "P-1", { expect: { lastSubjectSequence: 0 } }).catch((e) => { if (e.api_error) return e.api_error; throw e; }), 10_000)
  ).resolves.toMatchObject({ err_code: 10071 });
  expect((await js.publish("scans.harbour", "P-3", { expect: { lastSubjectSequence: 1 } })).seq).toBe(3);
});

test("in a work queue what is acked is gone, also as the last message of its subject", async () => {
  const { js, jsm } = await scene();
  await jsm.streams.add({ name: "SCANS", subjects: ["scans.*"], retention: RetentionPolicy.Workqueue });
  await js.publish("scans.harbour", "P-1");
  await jsm.consumers.add("SCANS", { durable_name: "customs", ack_policy: AckPolicy.Explicit });
  const message = await (await js.consumers.get("SCANS", "customs")).next();
  await message?.ackAck();
  const e = await jsm.streams.getMessage("SCANS", { last_by_subj: "scans.harbour" }).catch((e) => e);
  console.log(e.code, e.message, e.api_error);
  // the expectation after removal
  const p = await js.publish("scans.harbour", "P-1", { expect: { lastSubjectSequence: 0 } }).catch((e) => e.api_error);
  console.log("expect 0 after removal", p);
});

test("headers", async () => {
  const h = headers();
  expect(h.get("Channel-Sequence")).toBe("");
});

test("the monitor tells how far a durable is", async () => {
  const { client, streaming } = await scene();
  for (const t of ["P-1", "P-2", "P-3"]) await publish(client, "scans", t);
  const { got, subscription } = await subscribe(client, "scans", (options) =>
    options.setDeliverAllAvailable().setManualAckMode(true).setMaxInFlight(2).setDurableName("customs"),
  );
  await holds(() => sequences(got), [1, 2]);
  got[1]?.ack();
  await holds(() => sequences(got), [1, 2, 3]);
  subscription.close();
  await holds(async () => (await streaming.channel("scans"))?.subscriptions?.[0]?.is_offline, true);
  console.log(JSON.stringify(await streaming.channel("scans")));
});

test("storage default", async () => {
  const { jsm } = await scene();
  const { config } = await jsm.streams.add({ name: "SCANS", subjects: ["scans.*"] });
  expect(config.storage).toBe(StorageType.File);
  console.log(config.max_age, config.max_msgs, config.duplicate_window);
});
