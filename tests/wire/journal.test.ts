// The journal: what real JetStream traffic means, waiting for it, and its bounds.
import { AckPolicy, connect, consumerOpts, headers, type JetStreamManager, nanos } from "nats";
import { describe, expect, test } from "vitest";
import { parseAckSubject } from "../../checker/wire/ack-subject.ts";
import { evidenceLine, describe as inWords } from "../../checker/wire/describe.ts";
import { is } from "../../checker/wire/events.ts";
import { Journal, JournalClosed, WireTimeout } from "../../checker/wire/journal.ts";
import { scene } from "./scene.ts";

const soon = { timeoutMs: 10_000 };

async function parcels(jsm: JetStreamManager, config: Record<string, unknown> = {}): Promise<void> {
  await jsm.streams.add({ name: "PARCELS", subjects: ["parcel.>"] });
  await jsm.consumers.add("PARCELS", { durable_name: "worker", ack_policy: AckPolicy.Explicit, ...config });
}

describe("what is published", () => {
  test("is linked to its PubAck: stored, a duplicate, or refused with the error's number", async () => {
    const { client, journal } = await scene();
    const nc = await client("publisher");
    await parcels(await nc.jetstreamManager());
    const js = nc.jetstream();
    await js.publish("parcel.ams.scan", "p1", { msgID: "m1" });
    await js.publish("parcel.ams.scan", "p1", { msgID: "m1" });
    await expect(js.publish("parcel.ams.scan", "p2", { expect: { lastSequence: 9 } })).rejects.toThrow();
    const [first, second, third] = journal.publishes();
    expect(first).toMatchObject({
      client: "publisher",
      subject: "parcel.ams.scan",
      size: 2,
      text: "p1",
      msgId: "m1",
    });
    expect(journal.pubAcks()).toMatchObject([
      { ok: true, stream: "PARCELS", seq: 1, duplicate: false, publish: first?.index, msgId: "m1" },
      { ok: true, stream: "PARCELS", seq: 1, duplicate: true, publish: second?.index },
      { ok: false, errCode: 10071, error: "wrong last sequence: 1", publish: third?.index },
    ]);
    expect(inWords(journal.pubAcks()[0] as never)).toBe(
      'PubAck: parcel.ams.scan "p1" stored in PARCELS as sequence 1',
    );
  });

  test("without a stream or a service gets a 503, which says what was asked", async () => {
    const { client, journal } = await scene();
    const nc = await client("publisher");
    await expect(nc.jetstream().publish("nobody.home")).rejects.toThrow("503");
    expect(journal.statuses()).toMatchObject([
      {
        code: 503,
        description: "No Responders",
        asked: "nobody.home",
        request: journal.publishes()[0]?.index,
      },
    ]);
  });

  test("as a request is linked to its answer, at both ends", async () => {
    const { client, journal } = await scene({ jetstream: false });
    const [van, customs] = await Promise.all([client("van"), client("customs")]);
    customs.subscribe("customs.check", {
      queue: "officers",
      callback: (_, message) => void message.respond("ok"),
    });
    await customs.flush();
    await van.request("customs.check", "p1");
    const [request, answer] = journal.publishes();
    const [asked] = journal.messages();
    expect(asked).toMatchObject({
      client: "customs",
      subscription: "customs.check",
      queue: "officers",
      text: "p1",
    });
    expect(answer).toMatchObject({ client: "customs", answers: asked?.index, text: "ok" });
    expect(journal.of("reply")).toMatchObject([
      { client: "van", asked: "customs.check", request: request?.index, text: "ok" },
    ]);
  });

  test("keeps its headers, and no text when it is binary", async () => {
    const { client, journal } = await scene({ jetstream: false });
    const nc = await client("van");
    const header = headers();
    header.set("Depot", "Ámsterdam");
    nc.publish("a", new Uint8Array([0, 1, 255]), { headers: header });
    nc.publish("b", "é".repeat(1000));
    await nc.flush();
    const [a, b] = journal.publishes();
    expect(a).toMatchObject({ headers: { Depot: "Ámsterdam" }, size: 3, text: undefined });
    expect(b?.text).toBe(`${"é".repeat(160)}…`);
  });
});

describe("what a consumer delivers", () => {
  test("is linked to its ack, nak with delay, term with reason, and signs of progress", async () => {
    const { client, journal } = await scene();
    const nc = await client("worker");
    await parcels(await nc.jetstreamManager());
    const js = nc.jetstream();
    for (const payload of ["p1", "p2", "p3"]) await js.publish("parcel.ams.scan", payload);
    const messages = await (await js.consumers.get("PARCELS", "worker")).fetch({
      max_messages: 4,
      expires: 10_000,
    });
    for await (const message of messages) {
      if (message.seq === 1) await message.ackAck();
      else if (message.seq === 2) message.term("no such parcel");
      else if (message.info.deliveryCount === 1) message.nak(20);
      else {
        message.working();
        message.ack();
      }
    }
    await nc.flush();
    const deliveries = journal.deliveries();
    expect(
      deliveries.map(({ streamSeq, consumerSeq, deliveryCount, pending, text }) => [
        streamSeq,
        consumerSeq,
        deliveryCount,
        pending,
        text,
      ]),
    ).toEqual([
      [1, 1, 1, 2, "p1"],
      [2, 2, 1, 1, "p2"],
      [3, 3, 1, 0, "p3"],
      [3, 4, 2, 0, "p3"],
    ]);
    const [one, two, three, again] = deliveries.map((event) => event.index);
    expect(journal.acks()).toMatchObject([
      {
        streamSeq: 1,
        stream: "PARCELS",
        consumer: "worker",
        awaited: true,
        delivery: one,
        subject: "parcel.ams.scan",
        text: "p1",
      },
      { streamSeq: 3, awaited: false, delivery: again, deliveryCount: 2 },
    ]);
    expect(journal.terms()).toMatchObject([{ streamSeq: 2, reason: "no such parcel", delivery: two }]);
    expect(journal.naks()).toMatchObject([{ streamSeq: 3, delayMs: 20, delivery: three }]);
    expect(journal.inProgress()).toMatchObject([{ streamSeq: 3, delivery: again }]);
    expect(journal.redeliveries()).toHaveLength(1);
    expect(journal.pulls()).toMatchObject([
      { stream: "PARCELS", consumer: "worker", batch: 4, expiresMs: 10_000, noWait: false },
    ]);
    expect(inWords(journal.acks()[0] as never)).toBe(
      'ack of parcel.ams.scan "p1", stream sequence 1, confirmation asked',
    );
    expect(evidenceLine(journal.naks()[0] as never)).toMatch(
      /^\+\d+ ms {2}worker: nak of parcel\.ams\.scan "p3", stream sequence 3, again in 20 ms$/,
    );
  });

  test("to a push consumer is read in the same way", async () => {
    const { client, journal } = await scene();
    const nc = await client("monitor");
    const jsm = await nc.jetstreamManager();
    await jsm.streams.add({ name: "PARCELS", subjects: ["parcel.>"] });
    const js = nc.jetstream();
    await js.publish("parcel.ams.scan", "p1");
    const options = consumerOpts().durable("push").deliverTo("deliver.push").manualAck().ackExplicit();
    const sub = await js.subscribe("parcel.>", options);
    for await (const message of sub) {
      message.ack();
      break;
    }
    await nc.flush();
    expect(journal.deliveries()).toMatchObject([
      { consumer: "push", streamSeq: 1, text: "p1", subject: "parcel.ams.scan" },
    ]);
    expect(journal.acks()).toMatchObject([{ delivery: journal.deliveries()[0]?.index }]);
  });

  test("is linked to an ack that comes on another connection, after a reconnect", async () => {
    const { client, journal, relay } = await scene();
    const nc = await client("worker");
    await parcels(await nc.jetstreamManager());
    await nc.jetstream().publish("parcel.ams.scan", "p1");
    const message = await (await nc.jetstream().consumers.get("PARCELS", "worker")).next();
    const before = journal.mark();
    relay.cut("worker");
    await journal.until(is("pong", { direction: "toClient" }), { what: "reconnect", after: before, ...soon });
    await message?.ackAck();
    const [delivery] = journal.deliveries();
    expect(journal.acks()).toMatchObject([{ delivery: delivery?.index }]);
    expect(journal.acks()[0]?.connection).not.toBe(delivery?.connection);
  });

  test("comes with statuses: 404 and 408 when there is nothing, 409 when the consumer goes, 100 as heartbeat", async () => {
    const { client, journal } = await scene();
    const nc = await client("worker");
    const jsm = await nc.jetstreamManager();
    await parcels(jsm);
    const next = (request: object) =>
      nc.publish("$JS.API.CONSUMER.MSG.NEXT.PARCELS.worker", JSON.stringify(request), { reply: "answers" });
    nc.subscribe("answers");
    const status = (code: number) =>
      journal.until(is("status", { code }), { what: `status ${code}`, ...soon });
    next({ batch: 1, no_wait: true });
    expect(await status(404)).toMatchObject({
      description: "No Messages",
      stream: "PARCELS",
      consumer: "worker",
    });
    next({ batch: 1, expires: nanos(1500), idle_heartbeat: nanos(500) });
    expect(await status(100)).toMatchObject({ description: "Idle Heartbeat" });
    expect(await status(408)).toMatchObject({ description: "Request Timeout" });
    next({ batch: 1, expires: nanos(60_000) });
    await nc.flush();
    await jsm.consumers.delete("PARCELS", "worker");
    expect(await status(409)).toMatchObject({ description: "Consumer Deleted" });
    expect(journal.pulls()).toMatchObject([
      { noWait: true },
      { expiresMs: 1500, heartbeatMs: 500 },
      { batch: 1 },
    ]);
  });
});

test("API calls have their names, what they are about, and their outcome", async () => {
  const { client, journal } = await scene();
  const nc = await client("admin");
  const jsm = await nc.jetstreamManager();
  await parcels(jsm);
  await expect(jsm.consumers.info("PARCELS", "nobody")).rejects.toThrow();
  await expect(jsm.streams.add({ name: "OTHER", subjects: ["parcel.ams"] })).rejects.toThrow();
  await jsm.streams.getMessage("PARCELS", { seq: 1 }).catch(() => {});
  expect(
    journal.of("apiReply").map(({ call, about, ok, errCode }) => [call, about.join(" "), ok, errCode]),
  ).toEqual([
    ["INFO", "", true, undefined],
    ["STREAM.CREATE", "PARCELS", true, undefined],
    ["CONSUMER.CREATE", "PARCELS worker", true, undefined],
    ["CONSUMER.INFO", "PARCELS nobody", false, 10014],
    ["STREAM.CREATE", "OTHER", false, 10065],
    ["STREAM.MSG.GET", "PARCELS", false, 10037],
  ]);
});

test("what a user may not do is an error that says what was denied", async () => {
  const { server, relay, journal } = await scene({
    ownAccounts: true,
    config: `authorization { users: [ { user: tenant, password: t, permissions: { publish: ["a.>", "_INBOX.>"], subscribe: ["a.>"] } } ] }`,
  });
  expect(server.running).toBe(true);
  const nc = await connect({ servers: `127.0.0.1:${relay.port}`, user: "tenant", pass: "t", name: "tenant" });
  nc.publish("b.c", "x");
  nc.subscribe("b.>", { queue: "q", callback: () => {} });
  await nc.flush();
  await nc.close();
  expect(journal.of("error").map((event) => event.denied)).toEqual([
    { operation: "publish", subject: "b.c" },
    { operation: "subscribe", subject: "b.>" },
  ]);
  expect(journal.of("connect")).toMatchObject([{ user: "tenant", name: "tenant" }]);
});

test("ack subjects are read in their old form of 9 tokens, and in the newer ones of 11 and more", () => {
  const tail = "PARCELS.worker.2.31.40.1626818873482533000.4";
  const said = {
    stream: "PARCELS",
    consumer: "worker",
    deliveryCount: 2,
    streamSeq: 31,
    consumerSeq: 40,
    pending: 4,
    storedAtNs: "1626818873482533000",
  };
  expect(parseAckSubject(`$JS.ACK.${tail}`)).toEqual({ ...said, domain: undefined });
  expect(parseAckSubject(`$JS.ACK._.hash.${tail}`)).toEqual({ ...said, domain: undefined });
  expect(parseAckSubject(`$JS.ACK.leaf.hash.${tail}.random`)).toEqual({ ...said, domain: "leaf" });
  for (const wrong of [
    `$JS.ACK.x.${tail}`,
    "$JS.ACK.a.b.c.d.e.f.g",
    "parcel.ams",
    `$JS.ACK.${tail.replace("31", "x")}`,
  ]) {
    expect(parseAckSubject(wrong), wrong).toBeUndefined();
  }
});

describe("waiting", () => {
  test("gives the first event, past or to come, and only later ones with after", async () => {
    const journal = new Journal();
    const first = journal.note({ kind: "server", what: "killed" });
    expect(await journal.until(is("server"), { what: "server", ...soon })).toBe(first);
    const wait = journal.until(is("server"), { what: "server", after: first, ...soon });
    const second = journal.note({ kind: "server", what: "restarted" });
    expect(await wait).toBe(second);
    const third = journal.until(is("server"), { what: "server", after: journal.mark(), ...soon });
    expect(await Promise.race([third, Promise.resolve("still waiting")])).toBe("still waiting");
    journal.close();
    await expect(third).rejects.toThrow(JournalClosed);
  });

  test("ends in time with what was last seen", async () => {
    const journal = new Journal();
    await expect(journal.until(is("ack"), { what: "ack of parcel p3", timeoutMs: 5 })).rejects.toThrow(
      "No ack of parcel p3 within 5 ms. Nothing was on the wire.",
    );
    journal.note({ kind: "program", what: "killed", name: "worker", detail: "SIGKILL" });
    const failed = await journal
      .until(is("ack"), { what: "ack of parcel p3", timeoutMs: 5 })
      .catch((error) => error);
    expect(failed).toBeInstanceOf(WireTimeout);
    expect(failed.message).toMatch(
      /^No ack of parcel p3 within 5 ms\. The last on the wire:\n {2}\+[\d.]+ ms {2}worker killed \(SIGKILL\)$/,
    );
    expect(failed.recent).toHaveLength(1);
  });

  test("gives a mistake in the predicate to the one who waits, and to nobody else", async () => {
    const journal = new Journal();
    const wait = journal.until(
      () => {
        throw new Error("my mistake");
      },
      { what: "anything", ...soon },
    );
    journal.note({ kind: "note", text: "hello" });
    await expect(wait).rejects.toThrow("my mistake");
  });
});

describe("bounds", () => {
  test("keep the beginning and the end, and count the rest", () => {
    const journal = new Journal({ maxEvents: 100 });
    for (let i = 0; i < 1000; i++) journal.note({ kind: "note", text: String(i) });
    const kept = journal.of("note").map((event) => Number(event.text));
    expect(kept).toEqual([
      ...Array.from({ length: 50 }, (_, i) => i),
      ...Array.from({ length: 50 }, (_, i) => 950 + i),
    ]);
    expect(journal.leftOut).toBe(900);
    expect(journal.total("note")).toBe(1000);
  });

  test("are of bytes too", () => {
    const journal = new Journal({ maxBytes: 100_000 });
    for (let i = 0; i < 1000; i++) journal.note({ kind: "note", text: "x".repeat(1000) });
    expect(journal.events.length).toBeLessThan(100);
    expect(journal.events.length + journal.leftOut).toBe(1000);
  });
});

test("a journal is saved as a document and loaded again", () => {
  const journal = new Journal({ maxEvents: 10 });
  for (let i = 0; i < 20; i++) journal.note({ kind: "server", what: "killed" });
  const loaded = Journal.load(JSON.parse(JSON.stringify(journal.save())));
  expect(loaded.save()).toEqual(journal.save());
  expect(loaded.leftOut).toBe(10);
  expect(loaded.total("server")).toBe(20);
  expect(loaded.note({ kind: "note", text: "later" }).index).toBe(20);
  expect(() => Journal.load({})).toThrow("This is not the journal of a run.");
  expect(() => Journal.load({ ...journal.save(), version: 2 })).toThrow("version 2");
});
