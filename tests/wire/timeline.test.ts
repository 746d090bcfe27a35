// The timeline: the same run as text, SVG and JSON, shortened to what matters.
import { AckPolicy, connect, nanos } from "nats";
import { beforeAll, describe, expect, test } from "vitest";
import { findProgram } from "../../checker/nats/install/find.ts";
import { NatsServer } from "../../checker/nats/server.ts";
import { type EventOf, is, type WireEvent } from "../../checker/wire/events.ts";
import { Journal } from "../../checker/wire/journal.ts";
import { Recorder } from "../../checker/wire/recorder.ts";
import { Relay } from "../../checker/wire/relay.ts";
import { loadTimeline, saveTimeline, stable } from "../../checker/wire/timeline/json.ts";
import { type Timeline, timelineOf } from "../../checker/wire/timeline/model.ts";
import { timelineSvg } from "../../checker/wire/timeline/svg.ts";
import { timelineText } from "../../checker/wire/timeline/text.ts";

/** A depot publishes 60 parcels; its worker forgets one, and is killed; a PubAck is lost; the server dies and is back. */
async function story(): Promise<Journal> {
  const server = await NatsServer.start(await findProgram("nats-server"));
  const journal = new Journal();
  const relay = await Relay.listen({
    journal,
    target: () => (server.running ? { host: server.host, port: server.port } : undefined),
  });
  const open = (name: string, port = relay.port) =>
    connect({
      servers: `127.0.0.1:${port}`,
      ...server.user,
      name,
      reconnectTimeWait: 20,
      reconnectJitter: 0,
    });
  try {
    const direct = await open("check", server.port);
    const jsm = await direct.jetstreamManager();
    await jsm.streams.add({ name: "PARCELS", subjects: ["parcel.>"] });
    await jsm.consumers.add("PARCELS", {
      durable_name: "scanner",
      ack_policy: AckPolicy.Explicit,
      ack_wait: nanos(1000),
    });
    await direct.close();
    const depot = await open("depot");
    const js = depot.jetstream();
    for (let i = 1; i <= 59; i++) await js.publish("parcel.ams.scan", `p${i}`);
    const hold = relay.hold(is("puback"), { limit: 1, mode: "drop", what: "one PubAck" });
    await js.publish("parcel.ams.scan", "p60", { msgID: "m60", timeout: 150 }).catch(() => {});
    while (hold.events.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    hold.release();
    await js.publish("parcel.ams.scan", "p60", { msgID: "m60" });
    await depot.close();
    const worker = await open("worker");
    const messages = await (await worker.jetstream().consumers.get("PARCELS", "scanner")).fetch({
      max_messages: 61,
      expires: 10_000,
    });
    for await (const message of messages) {
      if (message.seq !== 5) message.ack();
      else if (message.info.deliveryCount === 2) await message.ackAck();
    }
    journal.note({ kind: "program", what: "killed", name: "worker", client: "worker", detail: "SIGKILL" });
    await worker.close();
    while (journal.of("disconnect", ({ client }) => client === "worker").length === 0)
      await new Promise((resolve) => setTimeout(resolve, 5));
    journal.note({ kind: "server", what: "killed" });
    await server.kill();
    journal.note({ kind: "server", what: "restarted" });
    return journal;
  } finally {
    await relay.close();
    await server.close();
  }
}

let journal: Journal;
let timeline: Timeline;

beforeAll(async () => {
  journal = await story();
  timeline = timelineOf(journal, { title: "A worker that forgets p5" });
});

describe("the model", () => {
  test("has a lane for each client, the stream and its consumer", () => {
    expect(timeline.lanes.map(({ kind, title }) => `${kind} ${title}`)).toEqual([
      "client depot",
      "stream PARCELS",
      "consumer scanner",
      "client worker",
    ]);
  });

  test("says of a client that gets nothing that it pulls in vain", () => {
    const common = { stream: "PARCELS", consumer: "scanner" };
    const pull = {
      ...common,
      kind: "pull",
      batch: 1,
      expiresMs: 100,
      noWait: false,
      maxBytes: undefined,
    } as const;
    const asks = { ...pull, heartbeatMs: undefined, group: undefined };
    const message = {
      subject: "parcel.a",
      sid: "1",
      size: 2,
      text: "p1",
      msgId: undefined,
      headers: undefined,
    };
    const counts = { streamSeq: 1, consumerSeq: 1, deliveryCount: 1, pending: 0 };
    const events: WireEvent[] = [
      { index: 0, at: 1, connection: 1, client: "one", ...asks },
      { index: 1, at: 2, connection: 1, client: "one", kind: "delivery", ...common, ...message, ...counts },
      { index: 2, at: 3, connection: 2, client: "two", ...asks },
    ];
    const { moments } = timelineOf({ events, leftOut: 0 }, { title: "two ask" });
    expect(moments.map(({ label }) => label)).toEqual([
      "pull up to 1",
      '"p1", sequence 1',
      "pull up to 1, gets nothing",
    ]);
  });

  test("collapses repeats, and keeps the whole story of what matters", () => {
    expect(journal.events.length).toBeGreaterThan(240);
    expect(timeline.moments.length).toBeLessThanOrEqual(40);
    const labels = timeline.moments.map((moment) => moment.label);
    for (const label of [
      'publish parcel.ams.scan "p5"',
      "stored as 5",
      '"p5", sequence 5, no ack',
      '"p5" again, delivery 2',
      'ack "p5"',
      "stored as 60, lost",
      "duplicate of 60",
      "killed (SIGKILL)",
      "connection is gone",
      "server killed",
      "server back",
    ]) {
      expect(labels, label).toContain(label);
    }
    expect(labels.some((label) => /^\d+ more like these?$/.test(label))).toBe(true);
  });

  test("leaves nothing out without counting it", () => {
    const all = timelineOf(journal, { title: "all", most: Number.POSITIVE_INFINITY });
    const count = (moments: Timeline["moments"]) =>
      moments.reduce((sum, moment) => sum + (moment.shape === "more" ? moment.count : 1), 0);
    expect(count(timeline.moments)).toBe(count(all.moments));
    const short = timelineOf(journal, { title: "short", most: 5 });
    expect(count(short.moments)).toBe(count(all.moments));
    expect(short.moments.length).toBeLessThan(timeline.moments.length);
  });

  test("of a short run shows everything", () => {
    const run = new Journal();
    const recorder = new Recorder(run);
    recorder.feed("toServer", Buffer.from('CONNECT {"name":"van"}\r\nPING\r\n'));
    for (let i = 0; i < 8; i++) recorder.feed("toServer", Buffer.from("PUB a 1\r\nx\r\n"));
    expect(timelineOf(run, { title: "" }).moments.map((moment) => moment.label)).toEqual([
      "connects",
      ...Array(8).fill('publish a "x"'),
    ]);
  });

  test("ends the streams with their server, and not with one of a cluster", () => {
    const run = new Journal();
    run.note({ kind: "server", what: "killed", name: "hub-1", inCluster: true });
    run.note({ kind: "server", what: "killed" });
    const ends = timelineOf(run, { title: "" }).moments.map((moment) =>
      moment.shape === "more" ? moment : moment.turns?.to,
    );
    expect(ends).toEqual([undefined, "down"]);
  });

  test("of nothing at all is empty, and can be drawn", () => {
    const empty = timelineOf(new Journal(), { title: "Nothing" });
    expect(timelineText(empty)).toContain("server");
    expect(timelineSvg(empty)).toContain("</svg>");
  });

  test("says when the journal itself had to leave something out", () => {
    const long = new Journal({ maxEvents: 10 });
    for (let i = 0; i < 30; i++) long.note({ kind: "note", text: "x" });
    expect(timelineText(timelineOf(long, { title: "" }))).toContain("20 events in its middle were left out");
  });
});

describe("as text", () => {
  test.each([100, 80, 60])("stays within %i columns, also with colour", (width) => {
    for (const line of timelineText(timeline, { width }).split("\n"))
      expect(line.length, line).toBeLessThanOrEqual(width);
    const colour = timelineText(timeline, { width, colour: true });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: ANSI codes begin with one.
    expect(colour.replace(/\u001b\[\d+m/g, "")).toBe(timelineText(timeline, { width }));
    expect(timelineText(timeline, { width })).not.toContain("\u001b");
  });

  test("draws arrows between lanes, what is lost, and who is gone", () => {
    const lines = timelineText(timeline, { width: 100 }).split("\n");
    const line = (words: string) => lines.find((one) => one.endsWith(words));
    expect(line('publish parcel.ams.scan "p60"')).toMatch(/├─+▶│ +│ +publish/);
    expect(line("stored as 60, lost")).toMatch(/│ +╳─+┤ +│ +stored/);
    expect(line('"p5" again, delivery 2')).toMatch(/│ +├─+▶│ +"p5" again/);
    expect(line("killed (SIGKILL)")).toMatch(/╳ +killed/);
    expect(line("server back")).toMatch(/━{20,} +server back/);
  });

  test("has a plain form of sentences, without any drawing", () => {
    const plain = timelineText(timeline, { plain: true });
    expect(plain).not.toMatch(/[^\u0020-\u007e\n…]/);
    expect(plain).toMatch(
      /^\+\d+ ms: consumer scanner to worker: delivery 2 of parcel\.ams\.scan "p5", stream sequence 5, to scanner$/m,
    );
    expect(plain).toMatch(/^\+\d+ ms: stream PARCELS to depot: PubAck: .* \(lost on the way\)$/m);
  });
});

describe("as SVG", () => {
  test("is well-formed, with a title, a text alternative, and every moment in order", () => {
    const svg = timelineSvg(timeline, { prefix: "lesson-03" });
    wellFormed(svg);
    expect(svg).toContain('<title id="lesson-03-title">A worker that forgets p5</title>');
    expect(svg).toMatch(/<desc id="lesson-03-desc">[^<]*delivery 2 of parcel\.ams\.scan/);
    const moments = [...svg.matchAll(/<g class="tl-moment [^"]*" data-i="(\d+)" data-t="([\d.]+)">/g)];
    expect(moments.map((found) => Number(found[1]))).toEqual(timeline.moments.map((_, i) => i));
    const times = moments.map((found) => Number(found[2]));
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });

  test("has ids of its prefix only, and needs no scripts, no style attributes and nothing from elsewhere", () => {
    const svg = timelineSvg(timeline, { prefix: "a1" });
    const ids = [...svg.matchAll(/ id="([^"]+)"/g)].map((found) => found[1]);
    expect(ids.length).toBe(new Set(ids).size);
    expect(ids.every((id) => id?.startsWith("a1-"))).toBe(true);
    expect(svg).not.toMatch(/<script| style="|href=|url\((?!#a1-)|@import/);
    expect(svg.replace("http://www.w3.org/2000/svg", "")).not.toContain("http");
    expect(svg).toContain("prefers-color-scheme:dark");
    expect(timelineSvg(timeline, { styles: "none" })).not.toContain("<style");
  });

  test("writes words where the message begins, also of one that is lost, and breaks them into even lines", () => {
    const run = new Journal();
    const recorder = new Recorder(run);
    recorder.feed("toServer", Buffer.from('CONNECT {"name":"van"}\r\nPUB parcel.ams.in 5\r\nhello\r\n'));
    const drawn = timelineOf(run, {
      title: "Customs never has more than four parcels, however many workers there are",
    });
    const svg = timelineSvg(drawn);
    const words = /<text class="tl-words" x="([\d.]+%)"[^>]*>publish parcel\.ams\.in/.exec(svg);
    expect(words?.[1], "the lane of the sender").toBe(/<line class="tl-line" x1="([\d.]+%)"/.exec(svg)?.[1]);
    const title = [...svg.matchAll(/class="tl-title"[^>]*>([^<]*)</g)].map((found) => found[1]?.length ?? 0);
    expect(title.length).toBe(3);
    expect(Math.max(...title) - Math.min(...title)).toBeLessThan(12);
  });

  test("shows hostile names and payloads as text", () => {
    const run = new Journal();
    const recorder = new Recorder(run);
    const name = "</text><script>alert('&')</script>";
    recorder.feed(
      "toServer",
      Buffer.from(
        `CONNECT ${JSON.stringify({ name: `${name}\u0001` })}\r\nPUB a ${name.length}\r\n${name}\r\n`,
      ),
    );
    const svg = timelineSvg(timelineOf(run, { title: `<b>"${name}` }));
    wellFormed(svg);
    expect(svg).not.toContain("<script");
    expect(svg).not.toContain("\u0001");
  });
});

describe("as a document", () => {
  test("is the same after saving and loading, and so is the journal's drawing", () => {
    const saved = JSON.parse(JSON.stringify(saveTimeline(timeline)));
    expect(saveTimeline(loadTimeline(saved))).toEqual(saveTimeline(timeline));
    const loaded = Journal.load(JSON.parse(JSON.stringify(journal.save())));
    // A document has times in microseconds; a time between two tenths of a millisecond may then read otherwise.
    const text = (one: Timeline) => timelineText(stable(one));
    expect(text(timelineOf(loaded, { title: timeline.title }))).toBe(text(timeline));
    expect(() => loadTimeline({})).toThrow("This is not a timeline.");
    expect(() => loadTimeline({ ...saved, version: 9 })).toThrow("version 9");
  });

  test("is the same for two runs of the same program, in everything but times", async () => {
    // How the worker's acks and the deliveries to it overtake each other is up to chance; the depot waits for each answer.
    const drawn = (run: Journal) =>
      timelineOf(run, {
        title: timeline.title,
        only: ({ client, kind }) => client === "depot" || kind === "server" || kind === "fault",
      });
    const [once, again] = [drawn(journal), drawn(await story())];
    const labels = once.moments.map(({ label }) => label);
    expect(labels).toEqual(expect.arrayContaining(["stored as 60, lost", "duplicate of 60"]));
    expect(labels.filter((label) => /killed/.test(label))).toHaveLength(1);
    expect(again.moments.map(({ at }) => at)).not.toEqual(once.moments.map(({ at }) => at));
    expect(timelineText(stable(again))).toBe(timelineText(stable(once)));
  });

  test("says channel and subscription where NATS Streaming has them", () => {
    const run = new Journal();
    run.add(run.number(ofChannel, 1));
    const drawn = timelineOf(run, { title: "" });
    const svg = timelineSvg(drawn);
    expect([...svg.matchAll(/class="tl-kind"[^>]*>(\w+)/g)].map(([, kind]) => kind)).toEqual([
      "channel",
      "subscription",
    ]);
    expect(timelineText(drawn)).toMatch(/^ +channel +subscription$/m);
  });

  test("draws a call of an API to the stream that it is about, also beside a channel", () => {
    const run = new Journal();
    run.add(run.number(ofChannel, 1));
    const reply = {
      kind: "apiReply",
      client: "desk",
      connection: 1,
      errCode: undefined,
      request: -1,
    } as const;
    const calls = [
      { call: "STREAM.CREATE", about: ["SCANS"], ok: true, error: undefined },
      { call: "STREAM.MSG.GET", about: ["SCANS"], ok: false, error: "no message found" },
      { call: "INFO", about: [], ok: false, error: "not enabled" },
      { call: "close", about: [], ok: true, error: undefined, of: "channel" as const },
    ];
    for (const call of calls) run.add(run.number({ ...reply, ...call }, 2));
    const { lanes, moments } = timelineOf(run, { title: "" });
    const arrows = moments.flatMap((moment) =>
      moment.shape === "arrow" ? [moment.from, moment.to].map((lane) => lanes[lane]?.title).join(" to ") : [],
    );
    expect(arrows.slice(1)).toEqual(["desk to SCANS", "SCANS to desk", "SCANS to desk", "desk to scans"]);
  });

  test("has no random names when made stable", () => {
    const run = new Journal();
    run.note({
      kind: "note",
      text: "_INBOX.AUB9KQ5WIW0F54Y5S7GP1O.X1 on 127.0.0.1:41234 by 0f8fad5b-d9cb-469f-a165-70867728950e, AUB9KQ5WIW0F54Y5S7GP1O",
    });
    expect(stable(timelineOf(run, { title: "" })).moments[0]?.label).toBe(
      "_INBOX.<id> on 127.0.0.1:<port> by <uuid>, <id>",
    );
  });
});

/** A subscription of NATS Streaming gets a message of its channel. */
const ofChannel: Omit<EventOf<"delivery">, "index" | "at"> = {
  kind: "delivery",
  of: "channel",
  client: "desk",
  connection: 1,
  stream: "scans",
  consumer: "customs",
  subject: "scans",
  streamSeq: 1,
  consumerSeq: 1,
  deliveryCount: 1,
  pending: 0,
  sid: "1",
  size: 3,
  text: "s-1",
  msgId: undefined,
  headers: undefined,
};

function wellFormed(svg: string): void {
  const open: string[] = [];
  for (const [, close, name = "", rest = ""] of svg.matchAll(/<(\/?)([a-zA-Z]+)((?:[^<>"]|"[^"<]*")*)>/g)) {
    if (close) expect(open.pop()).toBe(name);
    else if (!rest.endsWith("/")) open.push(name);
  }
  expect(open).toEqual([]);
  expect(svg.replace(/<(\/?)([a-zA-Z]+)((?:[^<>"]|"[^"<]*")*)>/g, "")).not.toContain("<");
  expect(svg).not.toMatch(/&(?!amp;|lt;|gt;|quot;)/);
}
