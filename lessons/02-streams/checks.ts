// Lesson 02: what a stream takes, when it forgets, what the answer to a publish says, and what is there after a crash.
import {
  AckPolicy,
  DiscardPolicy,
  type JetStreamManager,
  type NatsConnection,
  type NatsError,
  type StreamInfo,
} from "nats";
import { exercise, expect, type Fail, settingLine } from "../../checker/kit/index.ts";
import type { Limits, Outcome, Scan } from "./exercise.ts";

const { check } = exercise<typeof import("./exercise.ts")>();

const day = 86_400_000;
const generous: Limits = { maxScans: 1_000, keepMs: 7 * day };
/** Numbers of the JetStream API's errors. */
const api = { streamNotFound: 10059, nameInUse: 10058, tooManyMessages: 10077, storageUsedUp: 10023 };

/** Scans number `from` to `to` of a depot. */
function scans(from: number, to: number): Scan[] {
  return Array.from({ length: to - from + 1 }, (_, i) => ({
    no: from + i,
    parcel: `P-${from + i}`,
    event: i % 2 === 0 ? "in" : "out",
  }));
}

/** What the stream SCANS is now, or undefined when there is none. */
async function scansStream(manager: JetStreamManager): Promise<StreamInfo | undefined> {
  try {
    return await manager.streams.info("SCANS");
  } catch (error) {
    if ((error as NatsError).api_error?.err_code === api.streamNotFound) return undefined;
    throw error;
  }
}

/** All that the stream SCANS holds, in order. */
async function contents(
  manager: JetStreamManager,
): Promise<{ seq: number; subject: string; text: string }[]> {
  const info = await scansStream(manager);
  if (!info?.state.messages) return [];
  const held = [];
  for (let seq = info.state.first_seq; seq <= info.state.last_seq; seq++) {
    try {
      const message = await manager.streams.getMessage("SCANS", { seq });
      held.push({ seq, subject: message.subject, text: message.string() });
    } catch (error) {
      if ((error as NatsError).code !== "404") throw error;
    }
  }
  return held;
}

/** Fails when a stored text is not one of these scans, whole. What the other signs say of scan numbers holds for whole scans only. */
function expectWhole(stored: { text: string }[], scans: Scan[], fail: Fail): void {
  const whole = scans.map(asText);
  const lacking = stored.findIndex(({ text }) => !whole.includes(asText(readScan(text))));
  if (lacking < 0) return;
  fail("A scan should be published as JSON, all of it: whoever reads the stream has nothing else.", {
    evidence: [`expected  ${whole[lacking]}`, `stored    ${stored[lacking]?.text}`],
  });
}

/** What `prepare` made: a stream named SCANS, that answers. The checks publish to it, and would wait in vain for one that does not. */
async function made(manager: JetStreamManager, fail: Fail): Promise<StreamInfo> {
  const info =
    (await scansStream(manager)) ?? fail("`prepare` was done, and the server has no stream named SCANS.");
  if (info.config.no_ack) {
    fail(
      "The stream stores scans and answers nobody: `no_ack` is set. A depot never learns then whether a scan is stored or refused.",
      { readme: "a-stream-answers" },
    );
  }
  return info;
}

/** A message may be so large on these servers, and no larger: their `max_payload`. */
const largestMessage = 1024 * 1024;

/** Other limits of a stream, and from which value on they cannot take effect before `maxScans` does. None of them: `-1`. */
const otherLimits = (maxScans: number) => ({
  max_bytes: maxScans * largestMessage,
  max_msg_size: largestMessage,
  max_msgs_per_subject: maxScans,
  max_consumers: Number.POSITIVE_INFINITY,
});

/** Fails when the stream refuses or forgets scans, or readers, for another reason than its limits. */
function expectNoOtherLimit({ config }: StreamInfo, { maxScans }: Limits, fail: Fail): void {
  for (const [name, harmless] of Object.entries(otherLimits(maxScans))) {
    const value = config[name as keyof ReturnType<typeof otherLimits>];
    if (value <= 0 || value >= harmless) continue;
    fail(
      `The stream has a limit that nobody asked for: \`${name}\` is ${value}. It should be full when it holds ${maxScans} scans, and have no other limit.`,
    );
  }
}

/** Publishes a scan, as an actor of the check's own. Gives the error's number when it was not stored; 503 when no stream takes it. */
async function publish(nc: NatsConnection, subject: string, scan: Scan): Promise<number | "stored"> {
  try {
    await nc.jetstream().publish(subject, JSON.stringify(scan), { timeout: 20_000 });
    return "stored";
  } catch (error) {
    const { api_error, code } = error as NatsError;
    if (api_error?.err_code) return api_error.err_code;
    if (code === "503") return 503;
    throw error;
  }
}

/** A stored text as the scan that it is; undefined when it is not JSON. */
function readScan(text: string | undefined): Partial<Scan> | undefined {
  try {
    return JSON.parse(text ?? "") as Partial<Scan>;
  } catch {
    return undefined;
  }
}

/** The scan's number in a stored text; undefined when it is not a scan. */
const numberOf = (text: string | undefined) => readScan(text)?.no;

/** A scan as JSON whose fields stand in one order. */
const asText = (scan: Partial<Scan> | undefined) =>
  JSON.stringify({ no: scan?.no, parcel: scan?.parcel, event: scan?.event });

/** An outcome in a few words, for evidence that is short enough to compare. */
const words = (outcome: Outcome) =>
  `${outcome.no} ${outcome.result}${outcome.result === "stored" ? ` as ${outcome.seq}` : ""}`;

check(
  "the stream takes the scans of every depot, and nothing else",
  {
    beliefs: {
      "name-is-the-subject": {
        belief: "One publishes to a stream, by its name.",
        readme: "a-stream-takes-subjects",
        hint: "The depots know nothing of a stream. What do they name when they publish? Where is it said that the stream takes it?",
      },
      "star-takes-the-rest": {
        belief: "`parcel.*` means everything that begins with `parcel.`",
        readme: "one-star-is-one-token",
        hint: "How many tokens has parcel.ams.in? For how many does a star stand?",
      },
      "stream-only-listens": {
        belief: "A stream only listens. It does not matter if it takes more than it must.",
        readme: "a-stream-answers",
        hint: "What does the stream do for each message that it takes and that has a reply subject? Which of the messages on parcel.> have one?",
      },
      "stream-is-a-queue": {
        belief: "What was read is done with, and goes.",
        readme: "reading-removes-nothing",
        hint: "Which setting of a stream says when a message may go? Who else may want to read the scans, perhaps next week?",
      },
    },
  },
  async ({ server, learner, until, believes, fail }) => {
    const hub = await learner.start("prepare", [server.connection("hub"), generous], { name: "prepare" });
    await hub.result();
    const manager = await server.manager();
    const { config } = await made(manager, fail);

    // Two depots publish a scan each.
    const depot = await server.connect("depot", { recorded: true });
    const [first, second, third] = scans(1, 3) as [Scan, Scan, Scan];
    const results = [
      await publish(depot, "parcel.ams.in", first),
      await publish(depot, "parcel.rtm.out", second),
    ];
    const untaken = results.includes(503);
    believes("name-is-the-subject", {
      when: () => untaken && config.subjects.includes("SCANS"),
      message:
        "The stream is there, and no scan gets into it. A depot publishes to parcel.ams.in; the stream takes only what is published to the subject SCANS. A stream that is made without subjects takes its own name as its subject.",
      evidence: () => [
        `the stream takes          ${config.subjects.join(", ")}`,
        "published to              parcel.ams.in",
        "the server answered       503, no responders: no stream takes it",
      ],
      wire: () => server.wire.by("depot", "publish", "status").slice(0, 2),
    });
    believes("star-takes-the-rest", {
      when: () =>
        untaken && config.subjects.some((subject) => subject.endsWith("*") && subject.split(".").length < 3),
      message: () =>
        `The stream is there, and no scan gets into it. It takes ${config.subjects.join(", ")}. A star stands for exactly one token, and parcel.ams.in has three tokens.`,
      evidence: () => [
        `the stream takes          ${config.subjects.join(", ")}`,
        "published to              parcel.ams.in",
        "the server answered       503, no responders: no stream takes it",
      ],
      wire: () => server.wire.by("depot", "publish", "status").slice(0, 2),
    });
    expect(results, "Scans on parcel.ams.in and parcel.rtm.out are stored").toEqual(["stored", "stored"]);

    // A terminal asks where a parcel is, and somebody answers. It is nobody else's business.
    const terminal = await server.connect("terminal", { recorded: true });
    const finder = await server.connect("finder", { recorded: true });
    let question: { respond(answer: string): void } | undefined;
    finder.subscribe("parcel.ams.where", {
      callback: (_, message) => {
        question = message;
      },
    });
    await finder.flush();
    const answers: string[] = [];
    terminal.subscribe("answers", { callback: (_, message) => void answers.push(message.string()) });
    terminal.publish("parcel.ams.where", "P-1", { reply: "answers" });
    await terminal.flush();
    // Behind the question in the stream, so that with its PubAck the question is stored too, if it ever is.
    await publish(terminal, "parcel.lux.in", third);
    const wrong = (await contents(manager)).filter((message) => message.subject === "parcel.ams.where");
    if (wrong.length > 0) await until("the stream's answer to arrive", () => answers.length > 0);
    const asked = await until("the question to arrive", () => question);
    asked.respond("in locker 7");
    await until("the answer to arrive", () => answers.includes("in locker 7"));
    believes("stream-only-listens", {
      when: () => wrong.length > 0,
      message:
        "A terminal asked on parcel.ams.where, and the first answer that it got was not where the parcel is. The stream took the question for a scan, stored it, and answered with its PubAck. Whoever asks takes the first answer.",
      evidence: () => [
        `the stream takes          ${config.subjects.join(", ")}`,
        `asked                     parcel.ams.where "P-1"`,
        `first answer              ${(answers[0] ?? "").replaceAll(" ", "")}`,
        `second answer             "in locker 7"`,
      ],
      wire: () => server.wire.by("terminal", "publish", "puback", "message", "reply").slice(0, 3),
    });

    // A reader reads all of it, and confirms each scan.
    const readable = (await contents(manager)).length;
    const reader = await manager.consumers.add("SCANS", {
      ack_policy: AckPolicy.Explicit,
      inactive_threshold: 60e9,
    });
    // From a stream that forgets within seconds nothing can be read for certain.
    if (readable > 0 && (config.max_age === 0 || config.max_age > 600e9)) {
      const reading = await (await server.jetstream()).consumers.get("SCANS", reader.name);
      for await (const message of await reading.fetch({ max_messages: readable, expires: 20_000 }))
        await message.ackAck();
    }
    if (config.retention !== "limits") {
      await until(
        "the stream to let go of what was read",
        async () => (await contents(manager)).length === 0,
      );
    }
    const left = await contents(manager);
    believes("stream-is-a-queue", {
      when: () => config.retention !== "limits" && left.length === 0,
      message: () =>
        readable === 0
          ? "The stream confirmed three scans, and holds none of them. With this retention it keeps a message only as long as a consumer has not read it, and there was no consumer yet."
          : "The stream confirmed three scans. One reader read them and acknowledged them, and then they were gone for everybody else. With this retention a message leaves the stream when it was read.",
      evidence: () => [
        `retention                 ${config.retention}`,
        "confirmed with a PubAck   3",
        `before anybody read       ${readable}`,
        `after one reader read     ${left.length}`,
      ],
      wire: () => server.wire.by("depot", "puback"),
    });
    expect(
      left.map((message) => message.subject),
      "What the stream holds, after three scans and a question, and after a reader has read it all",
    ).toEqual(["parcel.ams.in", "parcel.rtm.out", "parcel.lux.in"]);
    expect(
      config.subjects.toSorted(),
      "The subjects that the stream takes: the scans of every depot, of those to come too, and nothing else",
    ).toEqual(["parcel.*.in", "parcel.*.out"]);
  },
);

check(
  "a full stream refuses, and keeps what it has",
  {
    beliefs: {
      "full-refuses-by-itself": {
        belief: "A stream that has reached its limit takes no more.",
        readme: "a-full-stream-forgets-by-default",
        hint: "Something has to give way when a stream is full: the old or the new. Which setting decides, and what is it when you do not say?",
      },
    },
  },
  async ({ server, learner, believes, fail }) => {
    const limits: Limits = { maxScans: 5, keepMs: 7 * day };
    const hub = await learner.start("prepare", [server.connection("hub"), limits], { name: "prepare" });
    await hub.result();
    const manager = await server.manager();
    const info = await made(manager, fail);
    const { config } = info;
    const depot = await server.connect("depot", { recorded: true });
    const answers: (number | "stored")[] = [];
    for (const scan of scans(1, 6)) answers.push(await publish(depot, `parcel.ams.${scan.event}`, scan));
    const held = (await contents(manager)).map((message) => numberOf(message.text));
    believes("full-refuses-by-itself", {
      when: () =>
        config.discard === DiscardPolicy.Old &&
        config.max_msgs === 5 &&
        answers.every((answer) => answer === "stored"),
      message:
        "The stream may hold five scans. A sixth came, was taken and confirmed, and scan 1 was thrown away for it. Nobody was told: by default a full stream makes room by forgetting its oldest message.",
      evidence: () => [
        `discard                   ${config.discard}`,
        `confirmed with a PubAck   ${answers.length}`,
        `the stream holds scans    ${held.join(", ")}`,
      ],
      wire: () => server.wire.by("depot", "puback"),
    });
    expect(
      answers,
      "Five scans should be stored, and the sixth refused, because the stream is full (10077)",
    ).toEqual([...Array.from({ length: 5 }, () => "stored"), api.tooManyMessages]);
    expect(held, "The stream should still hold scans 1 to 5").toEqual([1, 2, 3, 4, 5]);
    expectNoOtherLimit(info, limits, fail);
  },
);

check(
  "a new start brings new limits, and loses no scan",
  {
    beliefs: {
      "milliseconds-for-nanoseconds": {
        belief: "A time is given in milliseconds, as everywhere in JavaScript.",
        readme: "times-are-nanoseconds",
        hint: "Look at the age limit that the server has stored, in the evidence. In which unit does the server read it?",
      },
      "create-changes": {
        belief: "Creating a stream that is there already gives it the new settings, or does no harm.",
        readme: "creating-does-not-change",
        hint: "What does the server answer when you create a stream that exists with other settings? Which call is meant for this case?",
      },
      "delete-to-change": {
        belief: "To change a stream, one deletes it and makes it anew.",
        readme: "creating-does-not-change",
        hint: "What is in the stream when the hub starts for the second time? Which call changes settings and leaves that alone?",
      },
    },
  },
  async ({ server, learner, believes, fail }) => {
    const before: Limits = { maxScans: 100, keepMs: 2 * day };
    const after: Limits = { maxScans: 200, keepMs: 7 * day };
    const hub = await learner.start("prepare", [server.connection("hub"), before], { name: "prepare" });
    await hub.result();
    const manager = await server.manager();
    const first = await made(manager, fail);
    /** A start changes limits, and nothing else of what the stream is. */
    const expectTheRest = (start: string, now: StreamInfo, limits: Limits) => {
      for (const name of ["subjects", "storage", "retention", "discard"] as const) {
        const [was, is] = [first, now].map(({ config }) => [config[name]].flat().toSorted().join(", "));
        if (was !== is)
          fail(
            `At the ${start} start the limits were others, and \`${name}\` of the stream changed with them, from ${was} to ${is}.`,
            { readme: "creating-does-not-change" },
          );
      }
      expectNoOtherLimit(now, limits, fail);
    };
    believes("milliseconds-for-nanoseconds", {
      when: () => first.config.max_age === before.keepMs,
      message: () =>
        `\`prepare\` was asked to keep scans for two days. The stream keeps them for ${before.keepMs / 1e6} milliseconds: the server reads the age limit as nanoseconds. It refuses only what is below 100 milliseconds, so nobody noticed.`,
      evidence: () => [
        `asked for                 ${before.keepMs} milliseconds, two days`,
        `max_age of the stream     ${first.config.max_age} nanoseconds, ${before.keepMs / 1e6} milliseconds`,
        ...server.wire
          .of("api", { client: "hub", call: "STREAM.CREATE" })
          .map((event) => settingLine(event, "max_age")),
      ],
    });
    const depot = await server.connect("depot", { recorded: true });
    let stored = 0;
    for (const scan of scans(1, 3))
      if ((await publish(depot, `parcel.ams.${scan.event}`, scan)) === "stored") stored++;
    expect(
      { max_age: first.config.max_age, max_msgs: first.config.max_msgs, stored },
      "The stream as it was made (max_age in nanoseconds), and how many of three scans it stored",
    ).toEqual({
      max_age: before.keepMs * 1e6,
      max_msgs: before.maxScans,
      stored: 3,
    });

    // A second start, with other limits.
    let second: StreamInfo | undefined;
    let ended = false;
    const refused = () => server.wire.of("apiReply", { client: "hub", ok: false, errCode: api.nameInUse });
    const changed = () =>
      server.wire.of("apiReply", (event) => event.call === "STREAM.UPDATE" || event.call === "STREAM.DELETE");
    believes("create-changes", {
      when: () =>
        ended &&
        refused().length > 0 &&
        changed().length === 0 &&
        (second === undefined || second.config.max_msgs === before.maxScans),
      message: () =>
        `At the second start the limits were others, and the stream did not change. The stream is there already, with other settings, so the server refused to create it (10058).${second ? " The program went on as if all were well." : ""}`,
      evidence: () => [
        `max_msgs asked for        ${after.maxScans}`,
        `max_msgs of the stream    ${before.maxScans}`,
      ],
      wire: () =>
        server.wire.of("apiReply", ({ client, call }) => client === "hub" && call.startsWith("STREAM.")),
    });
    try {
      await hub.again("prepare", [server.connection("hub"), after]);
    } finally {
      ended = true;
    }
    second = await made(manager, fail);
    const held = (await contents(manager)).map((message) => numberOf(message.text));
    believes("delete-to-change", {
      when: () => second?.created !== first.created && held.length < 3,
      message:
        "At the second start the stream was deleted and made anew, with the right limits. It held three scans, and all of them went with it.",
      evidence: () => ["before the second start   3 scans", `after it                  ${held.length} scans`],
      wire: () =>
        server.wire.of("apiReply", ({ client, call }) => client === "hub" && call.startsWith("STREAM.")),
    });
    expect(
      { max_age: second.config.max_age, max_msgs: second.config.max_msgs, scans: held },
      "The stream after the second start (max_age in nanoseconds), and the scans that it holds",
    ).toEqual({ max_age: after.keepMs * 1e6, max_msgs: after.maxScans, scans: [1, 2, 3] });
    expectTheRest("second", second, after);

    // A third one, with smaller limits.
    const smaller: Limits = { maxScans: 50, keepMs: day / 24 };
    await hub.again("prepare", [server.connection("hub"), smaller]);
    const third = await made(manager, fail);
    const { config } = third;
    expect(
      { max_age: config.max_age, max_msgs: config.max_msgs, scans: (await contents(manager)).length },
      "The stream after a third start with smaller limits (max_age in nanoseconds), and how many scans it holds",
    ).toEqual({ max_age: smaller.keepMs * 1e6, max_msgs: smaller.maxScans, scans: 3 });
    expectTheRest("third", third, smaller);
  },
);

/** The stream SCANS, made by the check, for what does not depend on how the learner makes it. */
async function scansStreamOf(
  manager: JetStreamManager,
  depots: string,
  settings: { max_msgs?: number } = {},
): Promise<void> {
  await manager.streams.add({
    name: "SCANS",
    subjects: [`parcel.${depots}.in`, `parcel.${depots}.out`],
    discard: DiscardPolicy.New,
    ...settings,
  });
}

/** No client waits so short a time when it is told to wait a minute. */
const slowAnswerMs = 400;

check(
  "a scan counts when the stream has confirmed it",
  {
    beliefs: {
      "sent-means-stored": {
        belief: "When the publish was called and threw nothing, the scan is stored.",
        readme: "only-the-puback-counts",
        hint: "js.publish() returns a promise. Who in your program waits for it?",
      },
      "sequence-is-my-count": {
        belief: "The stream counts as I count: my first scan is its number 1.",
        readme: "the-sequence-is-the-streams",
        hint: "Other depots write to the same stream. Who knows which number your scan got, and where is it said to you?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const manager = await server.manager();
    await scansStreamOf(manager, "*");
    const other = await server.client();
    for (const scan of scans(1, 3)) await publish(other, `parcel.rtm.${scan.event}`, scan);

    // What the stream answers is on the way and does not arrive yet.
    const onTheWay = server.relay.hold((event) => event.kind === "puback", {
      who: "hub",
      what: "the PubAcks",
    });
    const patience = 60_000;
    const hub = await learner.start("record", [server.connection("hub"), "ams", scans(1, 4), patience]);
    await until("the hub to publish a scan", () => hub.settled || onTheWay.events.length > 0);
    await until(
      "the hub's PING to be answered",
      () =>
        hub.settled ||
        server.wire.of("pong", { client: "hub", direction: "toClient" }).length >=
          server.wire.of("ping", { client: "hub", direction: "toServer" }).length,
    );
    await hub.answers();
    // The answers take a while. Who was told to wait a minute still waits.
    const aWhile = lasting(slowAnswerMs, () => true);
    await until("the answers to be late", () => hub.settled || aWhile());
    const early = hub.settled && hub.error === undefined;
    // Meanwhile another depot writes, too.
    await publish(other, "parcel.rtm.in", { no: 4, parcel: "P-4", event: "in" });
    onTheWay.release();
    const outcomes = await hub.result();
    const tooSoon = outcomes.find(({ result }) => result === "unknown");
    if (tooSoon) {
      fail(
        `\`record\` was told to wait up to ${patience} ms for the answer to one scan. The answer to scan ${tooSoon.no} came later than usual, and \`record\` says that none came. How long it waits is said by \`patience\`.`,
        { readme: "no-answer-is-not-a-no" },
      );
    }
    const waited = server.wire.publishes({ client: "hub" }).filter((event) => event.reply !== undefined);
    believes("sent-means-stored", {
      when: () => early && waited.length > 0,
      message: () =>
        `\`record\` was done before the stream had confirmed a single scan: the PubAcks were still on the way. It returned ${outcomes.length === 0 ? "no outcome at all" : `${outcomes.length} outcomes`}. The promise of js.publish() is fulfilled when the PubAck arrives, and nobody waited for it.`,
      evidence: () => [
        `published by then                ${waited.length} scans`,
        "PubAcks that had arrived         0",
        `outcomes that \`record\` returned  ${outcomes.length}`,
      ],
      wire: () => server.wire.by("hub", "fault", "publish"),
    });
    if (early) fail("`record` was done before any PubAck had come, and no scan waited for one.");

    const held = await contents(manager);
    const mine = held.filter((message) => message.subject.startsWith("parcel.ams."));
    expectWhole(mine, scans(1, 4), fail);
    const expected: Outcome[] = mine.map((message) => ({
      no: numberOf(message.text) ?? -1,
      result: "stored",
      seq: message.seq,
    }));
    const wrong = outcomes.find(
      (outcome) =>
        outcome.result === "stored" &&
        !mine.some((message) => message.seq === outcome.seq && numberOf(message.text) === outcome.no),
    );
    believes("sequence-is-my-count", {
      when: () => wrong?.result === "stored" && mine.length === 4,
      message: () => {
        const seq = wrong?.result === "stored" ? wrong.seq : 0;
        const there = held.find((message) => message.seq === seq);
        return `\`record\` says that scan ${wrong?.no} of depot ams is the stream's message ${seq}. ${there ? `That one is a scan on ${there.subject}` : "The stream has no such message"}. Depot rtm writes to the same stream, and the stream numbers all that it takes.`;
      },
      evidence: () => [
        `the stream holds   ${held.map((message) => `${message.seq} ${message.subject.split(".")[1]}`).join(", ")}`,
        `\`record\` said      ${outcomes.map((outcome) => (outcome.result === "stored" ? outcome.seq : outcome.result)).join(", ")}`,
      ],
      wire: () => server.wire.pubAcks({ client: "hub" }),
    });
    expect(
      mine.map((message) => `${message.subject} ${numberOf(message.text)}`),
      "The scans of depot ams in the stream",
    ).toEqual(scans(1, 4).map((scan) => `parcel.ams.${scan.event} ${scan.no}`));
    expect(outcomes.map(words), "The outcomes, with the numbers that the stream gave").toEqual(
      expected.map(words),
    );

    // Two more scans. Both answers come late, and in time: each is waited for as long as `patience` says. All by the clock on the wall,
    // as the client waits. When the machine was so slow that a right program may have given up, nothing is said.
    const short = 1_500;
    const hold = () =>
      server.relay.hold((event) => event.kind === "puback", { who: "hub", what: "the PubAcks" });
    const numbersSent = () => server.wire.publishes({ client: "hub" }).map(({ text }) => numberOf(text));
    let done: Outcome[] | undefined;
    /** Passes the answers on that were held back for so long; tells when they have reached the program at the latest. */
    const passOn = async (answers: ReturnType<typeof hold>, heldMs: number) => {
      await until("the hub to publish a scan", () => done || answers.events.length > 0);
      const from = performance.now();
      await until("the answers to be late", () => done || performance.now() - from > heldMs);
      // What it has sent up to now is known.
      await hub.answers(2);
      const sent = numbersSent();
      const [at, next] = [performance.now(), hold()];
      answers.release();
      await hub.answers(2);
      return { sent, at, reached: performance.now(), next };
    };
    const called = performance.now();
    const answers = hold();
    const waiting = hub.again<Outcome[]>("record", [server.connection("hub"), "ams", scans(5, 6), short]);
    waiting.then(
      (value) => {
        done = value;
      },
      () => {},
    );
    const first = await passOn(answers, 1_100);
    const second = await passOn(first.next, 450);
    second.next.release();
    const [of5, of6] = await waiting;
    if (of5?.result === "unknown" && first.reached < called + short) {
      fail(
        `\`record\` was told to wait up to ${short} ms for the answer to one scan. The answer to scan 5 came before that, and \`record\` says that none came. How long it waits is said by \`patience\`.`,
        { readme: "no-answer-is-not-a-no" },
      );
    }
    // One who publishes a scan only after the answer to the one before waits for it from then on.
    const began = first.sent.includes(6) ? called : first.at;
    if (of6?.result === "unknown" && second.reached < began + short) {
      fail(
        `\`record\` was told to wait up to ${short} ms for the answer to one scan. It waited for that to scan 5; the answer to scan 6 came sooner than ${short} ms after that, and \`record\` says that none came. The patience is for each scan, not for all of them.`,
        { readme: "no-answer-is-not-a-no" },
      );
    }
  },
);

/** Room for all scans of the check, and small enough to be used up with one message. */
const storageBytes = 64 * 1024;

check(
  "a refused scan is told from one that no stream takes",
  {
    server: { jetstreamConfig: `max_file_store: ${storageBytes}` },
    beliefs: {
      "core-publish-is-enough": {
        belief: "If the stream takes the subject, a plain publish stores the message.",
        readme: "core-publish-hides-a-refusal",
        hint: "The stream refused two scans. To whom could it say so? Look which of the two ways to publish gives it an address for its answer.",
      },
      "refusal-is-the-end": {
        belief: "When one scan is refused, something is broken, and the work stops.",
        readme: "what-a-refusal-looks-like",
        hint: "One scan was refused. What does the caller of your function know then about the others?",
      },
      "code-503-says-enough": {
        belief: "The error's code 503 tells what went wrong.",
        readme: "what-a-refusal-looks-like",
        hint: "Log the whole error for both cases. The code is the same: what else is in the one and not in the other?",
      },
      "answers-come-in-order": {
        belief: "The answers come in the order in which I published.",
        readme: "answers-come-when-they-are-ready",
        hint: "Who answers when no stream takes a scan, and who when one does? In which order do you put the outcomes into your list?",
      },
      "every-refusal-is-full": {
        belief: "When a stream refuses a message, it is full.",
        readme: "what-a-refusal-looks-like",
        hint: "The stream gives a number with its refusal. Which number means full, and which one came here?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const manager = await server.manager();
    await scansStreamOf(manager, "ams", { max_msgs: 3 });
    const hub = await learner.start("record", [server.connection("hub"), "ams", scans(1, 5), 20_000]);
    let outcomes: Outcome[] = [];
    let elsewhere: Outcome[] = [];
    const silent = () =>
      server.wire.publishes({ client: "hub" }).filter((event) => event.reply === undefined);
    const refusals = () => server.wire.pubAcks({ client: "hub", ok: false });
    const nobodyTook = () =>
      server.wire
        .statuses({ client: "hub", code: 503 })
        .filter(({ asked }) => asked?.startsWith("parcel.lux."));
    const said = (list: Outcome[]) => list.map((outcome) => outcome.result).join(", ");
    believes("core-publish-is-enough", {
      when: () => outcomes.length > 0 && silent().length > 0,
      message: () =>
        `The stream has room for three scans. \`record\` published five and says: ${said(outcomes)}. Two were refused, and nobody was told, because they were published without a reply subject. The stream had nobody to answer to.`,
      evidence: async () => [
        `published without a reply subject  ${silent().length}`,
        `the stream holds                   ${(await contents(manager)).length}`,
      ],
      wire: () => silent(),
    });
    believes("refusal-is-the-end", {
      when: () => hub.error !== undefined && refusals().length > 0,
      message: () =>
        `The stream was full and refused scan ${numberOf(refusals()[0]?.text) ?? 4}, and \`record\` ended with the error ${JSON.stringify(hub.error?.message)}. Three scans are stored, and the caller does not learn which. A refusal is an answer about one scan.`,
      wire: () => server.wire.pubAcks({ client: "hub" }),
    });
    believes("code-503-says-enough", {
      when: () =>
        outcomes.some((outcome) => outcome.result === "no-stream") ||
        (elsewhere.some((outcome) => outcome.result === "full") && nobodyTook().length > 0),
      message: () =>
        elsewhere.length === 0
          ? "The stream was full and refused two scans. `record` says that no stream takes them. Both come with the code 503; only one of them is an answer of a stream."
          : "No stream takes the scans of depot lux. `record` says that the stream is full. Both come with the code 503; only one of them is an answer of a stream.",
      evidence: () =>
        elsewhere.length === 0
          ? [
              `the stream answered  ${refusals()[0]?.error} (${refusals()[0]?.errCode}), code 503`,
              `\`record\` said        ${said(outcomes)}`,
            ]
          : ["the server answered  503, no responders", `\`record\` said        ${said(elsewhere)}`],
      wire: () => (elsewhere.length === 0 ? refusals() : server.wire.by("hub", "status")),
    });
    outcomes = await hub.result();
    expect(outcomes.map(words), "Three scans find room, and two are refused").toEqual([
      "1 stored as 1",
      "2 stored as 2",
      "3 stored as 3",
      "4 full",
      "5 full",
    ]);
    const ofAms = server.wire.publishes({ client: "hub" }).length;
    // In an order that is not that of their numbers.
    const ofLux = scans(1, 2).toReversed();
    elsewhere = await hub.again<Outcome[]>("record", [server.connection("hub"), "lux", ofLux, 20_000]);
    const astray = server.wire
      .publishes({ client: "hub" })
      .slice(ofAms)
      .find(({ subject }) => !subject.startsWith("parcel.lux."));
    if (astray) fail(`\`record\` was given scans of depot lux, and published one on ${astray.subject}.`);
    expect(
      elsewhere.map(words),
      "No stream takes the scans of depot lux, of which `record` was given 2 first and then 1",
    ).toEqual(["2 no-stream", "1 no-stream"]);
    const published = server.wire
      .publishes({ client: "hub" })
      .map((event) => `${event.subject} ${numberOf(event.text)}`);
    expect(published, "What `record` published: each scan once").toEqual([
      ...scans(1, 5).map(({ event, no }) => `parcel.ams.${event} ${no}`),
      ...ofLux.map(({ event, no }) => `parcel.lux.${event} ${no}`),
    ]);

    // From now on SCANS takes those on parcel.mid.in, too, and has room. What no stream takes is answered at once; the stream takes its time.
    const subjects = ["parcel.ams.in", "parcel.ams.out", "parcel.mid.in"];
    await manager.streams.update("SCANS", { subjects, max_msgs: -1 });
    const onTheWay = server.relay.hold((event) => event.kind === "puback", {
      who: "hub",
      what: "the PubAcks",
    });
    const none = () => server.wire.statuses({ client: "hub", code: 503 }).length;
    const before = none();
    const sent = server.wire.mark();
    const recording = hub.attempt<Outcome[]>("record", [
      server.connection("hub"),
      "mid",
      scans(1, 4),
      // Longer than the check may take: how long the answers are held back is no matter of the clock on the wall.
      600_000,
    ]);
    // One who waits for each answer before the next scan gets no further.
    const noFurther = lasting(slowAnswerMs, () => onTheWay.events.length > 0);
    await until("the hub to publish its scans", () => none() >= before + 2 || noFurther());
    await hub.answers();
    onTheWay.release();
    const mixed = await recording;
    const outcomesOfMid =
      "value" in mixed
        ? mixed.value
        : fail(`\`record\` threw an error about scans of depot mid: ${mixed.error.message}.`);
    const inTurn = ["1 stored as 4", "2 no-stream", "3 stored as 5", "4 no-stream"];
    const got = outcomesOfMid.map(words);
    believes("answers-come-in-order", {
      when: () => got.join() !== inTurn.join() && got.toSorted().join() === inTurn.toSorted().join(),
      message: () =>
        `\`record\` got four scans and published them at once. No stream takes scans 2 and 4: the server said so at once (503). The answers for 1 and 3 came a moment later; the checker had held them back. The outcomes stand in the order in which the answers came: ${outcomesOfMid.map(({ no }) => no).join(", ")}. The caller expects them in the order of the scans.`,
      evidence: () => [`expected  ${inTurn.join(" · ")}`, `returned  ${got.join(" · ")}`],
      // The answers, not what they answer: their order is the point.
      wire: () => server.wire.by("hub", "status", "puback").filter(({ index }) => index >= sent),
    });
    expect(got, "Of depot mid, a stream takes scans 1 and 3").toEqual(inTurn);

    /** What `record` says of one scan, given alone; undefined when it throws. */
    const claimOf = async (scan: Scan) => {
      const attempt = await hub.attempt<Outcome[]>("record", [
        server.connection("hub"),
        "ams",
        [scan],
        20_000,
      ]);
      return "value" in attempt ? said(attempt.value) : undefined;
    };
    const expectThrown = (claim: string | undefined, what: string) => {
      if (claim === undefined) return;
      fail(
        `${what} That is none of the four outcomes, so \`record\` should throw the error; it says ${claim || "nothing"}.`,
        { readme: "what-a-refusal-looks-like" },
      );
    };

    // The stream still has room, and refuses a message for another reason.
    await manager.streams.update("SCANS", { max_msg_size: 200 });
    const claim = await claimOf({ no: 6, parcel: `P-${"1".repeat(300)}`, event: "in" });
    const other = () => server.wire.pubAcks({ client: "hub", ok: false }).slice(-1);
    believes("every-refusal-is-full", {
      when: () => claim === "full",
      message: () =>
        `The stream has room for any number of scans, and refused one that is too large for it. \`record\` says that it is full. Whoever reads that makes room, and the scan is refused again.`,
      evidence: () => [
        `the stream answered  ${other()[0]?.error} (${other()[0]?.errCode})`,
        `\`record\` said        ${claim}`,
      ],
      wire: other,
    });
    expectThrown(claim, `The stream refused a scan because it is too large (${other()[0]?.errCode}).`);

    // No server takes this one: the client does not even send it.
    expectThrown(
      await claimOf({ no: 6, parcel: `P-${"1".repeat(largestMessage)}`, event: "in" }),
      "A scan was larger than any message may be, and the client refused to send it (MAX_PAYLOAD_EXCEEDED).",
    );

    // Another stream uses up the storage of the whole server. What SCANS answers then has the code 503, too.
    await manager.streams.add({ name: "PHOTOS", subjects: ["photos"] });
    await (await server.jetstream()).publish("photos", new Uint8Array(storageBytes));
    const [last] = scans(6, 6) as [Scan];
    const saidThen = await claimOf(last);
    const usedUp = () => server.wire.pubAcks({ client: "hub", ok: false, errCode: api.storageUsedUp });
    believes("code-503-says-enough", {
      when: () => (saidThen === "no-stream" || saidThen === "full") && usedUp().length > 0,
      message: () =>
        `The storage of the server was used up, and the stream refused a scan. \`record\` says ${saidThen === "full" ? "that the stream is full, though it has room for any number of scans" : "that no stream takes the scan, though a stream answered"}. The code of this error is 503, too; its number is ${api.storageUsedUp}.`,
      evidence: () => [
        `the stream answered  ${usedUp()[0]?.error} (${api.storageUsedUp}), code 503`,
        `\`record\` said        ${saidThen}`,
      ],
      wire: usedUp,
    });
    expectThrown(
      saidThen,
      `The stream refused a scan because the storage of the server is used up (${api.storageUsedUp}).`,
    );
  },
);

check(
  "after a power failure every confirmed scan is there",
  {
    beliefs: {
      "memory-is-enough": {
        belief: "A stream stores messages, so they survive.",
        readme: "memory-ends-with-the-process",
        hint: "Where does the stream keep its messages while the server runs? And when the server does not run?",
      },
      "no-answer-means-not-stored": {
        belief: "No answer in time means that the scan was not stored.",
        readme: "no-answer-is-not-a-no",
        hint: "There are two ways on which something can be lost: to the stream, and back. Which of them was it? Can your program know?",
      },
      "the-client-knows-how-long": {
        belief: "The client knows how long to wait for a PubAck.",
        readme: "no-answer-is-not-a-no",
        hint: "Your function is told how long to wait. To whom does it pass that on?",
      },
      "no-answer-means-once-more": {
        belief: "No answer came, so I publish the scan again.",
        readme: "no-answer-is-not-a-no",
        hint: "The stream may have the first one. What does it hold after the second?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const manager = await server.manager();
    const connection = () =>
      server.connection("hub", {
        maxReconnectAttempts: -1,
        reconnectTimeWait: 20,
        reconnectJitter: 0,
        reconnectJitterTLS: 0,
      });
    const hub = await learner.start("prepare", [connection(), generous], { name: "prepare" });
    await hub.result();
    const { config } = await made(manager, fail);
    const confirmed = await hub.again<Outcome[]>("record", [connection(), "ams", scans(1, 3), 20_000]);

    const stored = confirmed.flatMap((outcome) => (outcome.result === "stored" ? [outcome] : []));
    expect(
      stored.map((outcome) => outcome.no),
      "The scans that `record` says are stored, of 1 to 3",
    ).toEqual([1, 2, 3]);

    expectWhole(await contents(manager), scans(1, 3), fail);

    // From now on the stream stores, and its answers do not come through.
    const hold = () =>
      server.relay.hold((event) => event.kind === "puback", { who: "hub", what: "the PubAcks" });
    const holds = [hold()];
    const lost = () => holds.flatMap(({ events }) => events);
    const before = server.wire.publishes({ client: "hub" }).length;
    const published = () => server.wire.publishes({ client: "hub" }).slice(before);
    const patience = 200;
    const tooLongMs = 350;
    let unanswered: Outcome[] | undefined;
    /** Scans whose answer came through when nobody waited for it any more who was told how long. */
    const late = new Set<number | undefined>();
    let twice = false;
    believes("no-answer-means-once-more", {
      when: async () => {
        if (new Set(published().map(({ text }) => numberOf(text))).size === published().length) return false;
        const there = (await contents(manager)).map(({ text }) => text);
        twice = new Set(there).size < there.length;
        return true;
      },
      message: () =>
        `The answer to scan ${numberOf(published()[0]?.text)} was lost on the way, and \`record\` published it again. The stream had stored the first one${twice ? ", so now it has the scan twice" : ""}.`,
      evidence: async () => [
        `the stream holds scans  ${(await contents(manager)).map(({ text }) => numberOf(text)).join(", ")}`,
      ],
      wire: published,
    });
    believes("the-client-knows-how-long", {
      when: () => unanswered?.some(({ no, result }) => result === "stored" && late.has(no)) === true,
      message: `\`record\` was told to wait ${patience} ms for the answer to one scan. The answer came later than ${tooLongMs} ms after the publish, and \`record\` had waited for it. If nobody tells the client how long to wait, it waits five seconds.`,
      evidence: () => [
        `patience                       ${patience} ms`,
        `\`record\` said of 4 and 5      ${unanswered?.map(({ result }) => result).join(", ")}`,
      ],
      wire: () => [...published(), ...server.wire.by("hub", "fault").slice(-1)],
    });
    const recording = hub.again<Outcome[]>("record", [connection(), "ams", scans(4, 5), patience]);
    recording.then(
      (outcomes) => {
        unanswered = outcomes;
      },
      () => {},
    );
    // The answers come when nobody waits for them any more who was told how long. By the clock on the wall, as the client waits.
    let [tries, since] = [0, 0];
    await until("`record` to be done", async () => {
      if (unanswered) return true;
      if (lost().length > tries) [tries, since] = [lost().length, performance.now()];
      if (holds.at(-1)?.events.length === 0 || performance.now() - since < tooLongMs) return false;
      // However busy the machine is: with the second answer its timers have had their turn.
      await hub.answers(2);
      if (unanswered || lost().length > tries) return false;
      // What it publishes from now on is not answered at once either: a right program may be about to.
      const overdue = holds.at(-1);
      holds.push(hold());
      for (const answer of overdue?.events ?? [])
        if (answer.kind === "puback") late.add(numberOf(answer.text));
      overdue?.release();
      return false;
    });
    const outcomes = await recording;
    believes("no-answer-means-not-stored", {
      when: () =>
        lost().length > 0 && outcomes.some(({ result }) => result === "full" || result === "no-stream"),
      message: () =>
        `The stream stored scans 4 and 5, and its answers were lost on the way. \`record\` waited ${patience} ms for each and says: ${outcomes.map(({ result }) => result).join(", ")}. Silence is no refusal: the stream may have the scan.`,
      evidence: async () => [
        `the stream holds scans        ${(await contents(manager)).map(({ text }) => numberOf(text)).join(", ")}`,
        `\`record\` said of 4 and 5      ${outcomes.map(({ result }) => result).join(", ")}`,
      ],
      wire: () => [...server.wire.by("hub", "fault").slice(-1), ...lost()],
    });
    const numbers = () => [...new Set(published().map(({ text }) => numberOf(text)))];
    // On a busy machine the program can be done before the relay has read what it sent last.
    const silent = lasting(1_000, () => true);
    await until("both scans to be published", () => numbers().length >= 2 || silent());
    if (numbers().length < 2) {
      fail(
        `The answer to scan ${numbers()[0]} was lost, and \`record\` published no other scan. No answer is one of the four outcomes: it keeps no scan from being published.`,
        { readme: "no-answer-is-not-a-no" },
      );
    }
    expect(outcomes.map(words), "What `record` says of scans 4 and 5, to which no answer came").toEqual([
      "4 unknown",
      "5 unknown",
    ]);
    await server.kill();
    await server.restart();
    await until("the server's JetStream to be back", () =>
      manager.getAccountInfo().then(
        () => true,
        () => false,
      ),
    );
    const held = await contents(manager);
    believes("memory-is-enough", {
      when: () => config.storage === "memory" && held.length < stored.length,
      message: () =>
        `The stream confirmed three scans. Then the server was killed and started again, and it has ${held.length === 0 ? "neither the scans nor the stream" : `${held.length} of them`}. A stream in memory ends with the server's process.`,
      evidence: () => [
        `storage of the stream      ${config.storage}`,
        `confirmed with a PubAck    ${stored.length}`,
        `there after the restart    ${held.length}`,
      ],
      wire: () => [
        ...server.wire.pubAcks({ client: "hub", ok: true }).slice(0, 3),
        ...server.wire.of("server"),
      ],
    });
    expect(
      held
        .filter(({ seq }) => stored.some((outcome) => outcome.seq === seq))
        .map(({ text }) => numberOf(text)),
      "The confirmed scans, after the server was killed and started again",
    ).toEqual([1, 2, 3]);
  },
);
