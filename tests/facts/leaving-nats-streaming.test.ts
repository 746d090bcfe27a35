// What a move from NATS Streaming to JetStream rests on, asked of both servers.
import { AckPolicy, connect, DeliverPolicy, headers, nanos, RetentionPolicy } from "nats";
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
  return {
    nats,
    streaming,
    client,
    nc,
    js: nc.jetstream(),
    jsm: await nc.jetstreamManager({ timeout: 1_000 }),
  };
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

test("a subscription outlives a kill of the nats-server, and what was not acked comes again after the ack wait", async () => {
  const { nats, client } = await scene();
  await publish(client, "scans", "P-1");
  const { got } = await subscribe(client, "scans", (options) =>
    options.setDeliverAllAvailable().setManualAckMode(true).setAckWait(1_000).setMaxInFlight(1),
  );
  await holds(() => sequences(got), [1]);
  await nats.kill();
  await nats.restart();
  await holds(() => sequences(got).slice(0, 2), [1, 1]);
  got.at(-1)?.ack();
  await vi.waitFor(() => publish(client, "scans", "P-2"), { timeout: 20_000, interval: 20 });
  await holds(() => sequences(got).includes(2), true);
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
  expect(other.got[0]?.getTimestamp()).toEqual(time);
  expect(Number(time)).toBeGreaterThan(before - 1_000);
  expect(Number(time)).toBeLessThan(Date.now() + 1_000);
});

test("a channel keeps a million messages and 1 GB by default, and a stream has no limit", async () => {
  const { streaming, jsm } = await scene();
  const { limits } = (await (await fetch(`${streaming.monitorUrl}/streaming/storez`)).json()) as {
    limits: object;
  };
  expect(limits).toMatchObject({ max_msgs: 1_000_000, max_bytes: 1_024_000_000, max_age: 0 });
  const { config } = await jsm.streams.add({ name: "SCANS", subjects: ["scans.*"] });
  expect(config).toMatchObject({ max_msgs: -1, max_bytes: -1, max_age: 0 });
});

test("the monitor tells how far a durable is, also when its program has gone", async () => {
  const { client, streaming } = await scene();
  for (const text of ["P-1", "P-2", "P-3"]) await publish(client, "scans", text);
  const { got, subscription } = await subscribe(client, "scans", (options) =>
    options.setDeliverAllAvailable().setManualAckMode(true).setMaxInFlight(2).setDurableName("customs"),
  );
  const durable = async () => {
    const [{ last_sent, pending_count, is_offline } = {}] =
      (await streaming.channel("scans"))?.subscriptions ?? [];
    return { last_sent, pending_count, is_offline };
  };
  await holds(() => sequences(got), [1, 2]);
  got[1]?.ack();
  await holds(() => sequences(got), [1, 2, 3]);
  await holds(durable, { last_sent: 3, pending_count: 2, is_offline: false });
  for (const i of [0, 2]) got[i]?.ack();
  subscription.close();
  await holds(durable, { last_sent: 3, pending_count: 0, is_offline: true });
});

test("an expectation looks at its subject only, for as long as the message is there, over a kill of the server", async () => {
  const { nats, nc, js, jsm } = await scene();
  await jsm.streams.add({ name: "SCANS", subjects: ["scans.*"], duplicate_window: nanos(100) });
  await js.publish("scans.harbour", "P-1", { expect: { lastSubjectSequence: 0 } });
  await js.publish("scans.ams", "P-21");
  await nats.kill();
  await nats.restart();
  await vi.waitFor(() => jsm.streams.info("SCANS"), { timeout: 20_000, interval: 20 });
  expect(nc.isClosed()).toBe(false);
  await expect(js.publish("scans.harbour", "P-1", { expect: { lastSubjectSequence: 0 } })).rejects.toThrow(
    "wrong last sequence: 1",
  );
  expect((await js.publish("scans.harbour", "P-2", { expect: { lastSubjectSequence: 1 } })).seq).toBe(3);
});

test("a message with a known id and an old expectation is not stored, and is refused or a duplicate", async () => {
  const { js, jsm } = await scene();
  await jsm.streams.add({ name: "SCANS", subjects: ["scans.*"] });
  const publishOnce = () =>
    js.publish("scans.harbour", "P-1", { msgID: "scans/1", expect: { lastSubjectSequence: 0 } });
  await publishOnce();
  const { duplicate, api_error } = await publishOnce().catch((error) => error);
  expect(duplicate ?? api_error?.err_code).toBeOneOf([true, 10071]);
  expect((await jsm.streams.info("SCANS")).state.messages).toBe(1);
});

test("in a work queue the last copy is gone when it is acked, and the first message may come again", async () => {
  const { js, jsm } = await scene();
  await jsm.streams.add({ name: "SCANS", subjects: ["scans.*"], retention: RetentionPolicy.Workqueue });
  await js.publish("scans.harbour", "P-1");
  await jsm.consumers.add("SCANS", { durable_name: "customs", ack_policy: AckPolicy.Explicit });
  const message = await (await js.consumers.get("SCANS", "customs")).next();
  await message?.ackAck();
  await expect(jsm.streams.getMessage("SCANS", { last_by_subj: "scans.harbour" })).rejects.toMatchObject({
    code: "404",
  });
  expect((await js.publish("scans.harbour", "P-1", { expect: { lastSubjectSequence: 0 } })).seq).toBe(2);
});

test("a consumer's start by time goes by the time of the copy", async () => {
  const { js, jsm } = await scene();
  await jsm.streams.add({ name: "SCANS", subjects: ["scans.*"] });
  const copy = headers();
  copy.set("Channel-Time", "2020-01-01T00:00:00.000Z");
  const start = new Date(Date.now() - 60_000).toISOString();
  await js.publish("scans.harbour", "P-1", { headers: copy });
  const consumer = await js.consumers.get("SCANS", {
    deliver_policy: DeliverPolicy.StartTime,
    opt_start_time: start,
  });
  expect((await consumer.next())?.string()).toBe("P-1");
});

test("a message without headers has none, and one with others gives an empty string for what is not there", async () => {
  const { js, jsm } = await scene();
  await jsm.streams.add({ name: "SCANS", subjects: ["scans.*"] });
  await js.publish("scans.ams", "P-21");
  await js.publish("scans.ams", "P-22", { msgID: "s-22" });
  const consumer = await js.consumers.get("SCANS");
  expect((await consumer.next())?.headers).toBeUndefined();
  expect((await consumer.next())?.headers?.get("Channel-Sequence")).toBe("");
});

test.skipIf(process.platform === "win32")(
  "a manager of streams without checkAPI asks the server nothing",
  async () => {
    const { nats, nc } = await scene();
    nats.pause();
    await nc.jetstreamManager({ checkAPI: false, timeout: 300 });
    await expect(nc.jetstreamManager({ timeout: 300 })).rejects.toThrow("TIMEOUT");
    nats.resume();
  },
);
