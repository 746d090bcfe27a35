// What lesson 10 claims about replays and does not show by a program on its page or by a mistake.
import {
  AckPolicy,
  connect,
  consumerOpts,
  DeliverPolicy,
  type JsMsg,
  type OrderedConsumerOptions,
} from "nats";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { findProgram } from "../../checker/nats/install/find.ts";
import { reapAll } from "../../checker/nats/reaper.ts";
import { NatsServer } from "../../checker/nats/server.ts";

afterAll(reapAll);

async function scene() {
  const server = await NatsServer.start(await findProgram("nats-server"), { jetstream: true });
  onTestFinished(() => server.close());
  const nc = await connect({
    servers: server.url,
    ...server.user,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 50,
  });
  onTestFinished(() => nc.close());
  const manager = await nc.jetstreamManager();
  const js = nc.jetstream();
  const parcels = { name: "PARCELS", subjects: ["parcel.*.*"] };
  await manager.streams.add(parcels);
  const store = async (...subjects: string[]) => {
    for (const subject of subjects) await js.publish(`parcel.${subject}`);
  };
  /** What an ordered consumer has to deliver now. */
  const read = async (options: Partial<OrderedConsumerOptions>): Promise<JsMsg[]> => {
    const consumer = await js.consumers.get("PARCELS", options);
    const read: JsMsg[] = [];
    if ((await consumer.info()).num_pending === 0) return read;
    const events = await consumer.consume();
    for await (const event of events) {
      read.push(event);
      if (event.info.pending === 0) break;
    }
    await events.close();
    return read;
  };
  return { server, nc, js, manager, parcels, store, read };
}

const sequences = (messages: readonly JsMsg[]) => messages.map(({ seq }) => seq);

test("the other deliver policies begin at the end, at the last message, or at the last one of each subject", async () => {
  const { store, read } = await scene();
  await store("ams.in", "rtm.in", "ams.in", "ams.out", "rtm.in");
  expect(sequences(await read({ deliver_policy: DeliverPolicy.New }))).toEqual([]);
  expect(sequences(await read({ deliver_policy: DeliverPolicy.Last }))).toEqual([5]);
  expect(
    sequences(await read({ deliver_policy: DeliverPolicy.LastPerSubject, filterSubjects: "parcel.>" })),
  ).toEqual([3, 4, 5]);
});

test("to begin in the middle of what was deleted is to begin with the next one", async () => {
  const { manager, store, read } = await scene();
  await store("ams.in", "ams.in", "ams.in");
  await manager.streams.deleteMessage("PARCELS", 2);
  expect(sequences(await read({ deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: 2 }))).toEqual([
    3,
  ]);
});

test("a start time is the time of storing, by the server's clock; one in the future has nothing to read", async () => {
  const { manager, store, read } = await scene();
  await store("ams.in");
  const { time } = await manager.streams.getMessage("PARCELS", { seq: 1 });
  while (Date.now() <= time.getTime() + 1) await new Promise((resolve) => setTimeout(resolve, 1));
  await store("ams.in");
  const from = (ms: number) =>
    read({ deliver_policy: DeliverPolicy.StartTime, opt_start_time: new Date(ms).toISOString() });
  expect(sequences(await from(time.getTime()))).toEqual([1, 2]);
  expect(sequences(await from(time.getTime() + 1))).toEqual([2]);
  expect(await from(Date.now() + 3_600_000)).toEqual([]);
  const [first] = await from(time.getTime());
  expect(Math.abs((first?.info.timestampNanos ?? 0) / 1_000_000 - time.getTime())).toBeLessThan(2);
});

test("a consumer that is not durable survives a power cut as the stream does, and may have forgotten the last that it sent", async () => {
  const { server, nc, js, manager, store } = await scene();
  await store("ams.in", "rtm.in", "ams.in", "ams.out");
  const { name, config } = await manager.consumers.add("PARCELS", {
    ack_policy: AckPolicy.None,
    filter_subject: "parcel.ams.*",
    inactive_threshold: 60_000_000_000,
  });
  expect(config.durable_name).toBeUndefined();
  const consumer = await js.consumers.get("PARCELS", name);
  const sent = [await consumer.next(), await consumer.next()];
  expect(sent.map((message) => [message?.seq, message?.info.deliverySequence])).toEqual([
    [1, 1],
    [3, 2],
  ]);
  await server.kill();
  await server.restart();
  await nc.flush().catch(() => nc.flush());
  expect([1, 3, 4]).toContain((await consumer.next())?.seq);
});

test("nats v2 asks for no acks when nobody says which", async () => {
  const { manager } = await scene();
  expect((await manager.consumers.add("PARCELS", { name: "plain" })).config.ack_policy).toBe("none");
});

test("a stream that was made anew has another time of making, and begins with sequence 1", async () => {
  const { manager, parcels, store } = await scene();
  await store("ams.in", "ams.in");
  const before = await manager.streams.info("PARCELS");
  await manager.streams.delete("PARCELS");
  await manager.streams.add(parcels);
  await store("ams.in");
  const now = await manager.streams.info("PARCELS");
  expect(now.created).not.toBe(before.created);
  expect(now.state.last_seq).toBe(1);
});

test("several filters and a start sequence leave nothing out", async () => {
  const { store, read } = await scene();
  await store("ams.in", "ams.in", "ams.in", "ams.out", "ams.in");
  const filterSubjects = ["parcel.ams.in", "parcel.ams.out"];
  const start = { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: 2 };
  expect(sequences(await read({ filterSubjects, ...start }))).toEqual([2, 3, 4, 5]);
});

test("in nats v2, an ordered consumer that is pushed and began at a time cannot begin again", async () => {
  const { server, js, store } = await scene();
  await store("ams.in");
  const from = new Date(Date.now() - 3_600_000);
  const events = await js.subscribe("parcel.ams.*", consumerOpts().orderedConsumer().startTime(from));
  const reading = (async () => {
    for await (const { seq } of events) if (seq === 2) return;
  })();
  await server.kill();
  await server.restart();
  await expect(reading).rejects.toThrow(/unable to recreate ordered consumer/);
});
