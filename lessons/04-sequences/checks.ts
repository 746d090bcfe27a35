// Lesson 04: what is stored once when it is sent twice, who gets a locker that two want, and where a ledger goes on.
import { DiscardPolicy, RetentionPolicy } from "nats";
import {
  type CheckServer,
  type EventOf,
  exercise,
  type Fail,
  gate,
  hang,
  hook,
  type LearnerProgram,
  settingLine,
  type Until,
  type WireEvent,
  wireLine,
} from "../../checker/kit/index.ts";
import type { Scan } from "./exercise.ts";

const { check } = exercise<typeof import("./exercise.ts")>();

/** Long enough that no answer is missed, however slow the machine is. */
const patient = 20_000;
const hourNs = 3_600_000_000_000;
const wrongLastSequence = 10071;

/** It remembers ids for longer than a check can take, however slow the machine is. */
const scansStream = { name: "SCANS", subjects: ["parcel.*.*"], duplicate_window: 24 * hourNs };
const lockersStream = { name: "LOCKERS", subjects: ["locker.*"] };

/** Scans number `from` to `to` of one scanner on one day. */
function scans(from: number, to: number): Scan[] {
  return Array.from({ length: to - from + 1 }, (_, i) => ({
    scanner: "S-7",
    day: "2026-03-02",
    no: from + i,
    parcel: `P-${from + i}`,
    event: "in",
  }));
}

/** `record` returns for each scan the sequence under which the stream has it. */
function returned(value: unknown, wanted: readonly number[], fail: Fail): void {
  const shown = JSON.stringify(value) ?? "undefined";
  const right = JSON.stringify(wanted);
  if (shown === right) return;
  fail(
    `\`record\` should have returned ${right}, for each scan the sequence under which the stream has it. It returned ${shown.length > 60 ? `${shown.slice(0, 60)}…` : shown}.`,
  );
}

/** Lines of evidence on events, in the order of happening. */
const inOrder = (told: readonly { event: WireEvent; words: string }[]) =>
  told.toSorted((a, b) => a.event.index - b.event.index).map(({ event, words }) => wireLine(event, words));

const named = (scan: Scan) => `${scan.scanner} ${scan.day} ${scan.no} ${scan.parcel} ${scan.event}`;
/** A scan as lines of evidence show it. */
const brief = (scan: Scan) => `scan ${scan.no} of ${scan.scanner}, ${scan.day}, ${scan.parcel} ${scan.event}`;

function readScan(text: string | undefined): Scan | undefined {
  try {
    return JSON.parse(text ?? "") as Scan;
  } catch {
    return undefined;
  }
}

/**
 * The first answer to `client` comes when no client waits for it any more that was told how long, or never, where the program goes on
 * without it. One that takes it has waited all the time; one that only rests before its next step does not hear it.
 */
function lateAnswer(server: CheckServer, client: string) {
  const held = server.relay.hold((event) => event.kind === "puback", {
    who: client,
    what: "the first answer",
    limit: 1,
  });
  const since = () =>
    server.wire
      .by(client, "publish", "api")
      .filter(({ index }) => index > (held.events[0]?.index ?? Number.POSITIVE_INFINITY));
  let late = false;
  return {
    /** To be awaited before anything else is. */
    async comes(program: LearnerProgram<unknown>, until: Until): Promise<void> {
      let began: number | undefined;
      await until(`\`${program.name}\` to be done`, async () => {
        if (program.settled || since().length > 0) return true;
        if (held.events.length === 0) return false;
        began ??= performance.now();
        if (performance.now() - began < farTooLongMs) return false;
        // However busy the machine is: with the second answer its timers have had their turn.
        await program.answers(2);
        late = !program.settled && since().length === 0;
        return true;
      });
      if (late) held.release();
      else held.drop();
    },
    /** It came far too late, and the program took it. */
    taken: (program: LearnerProgram<unknown>) =>
      late && program.settled && program.error === undefined && since().length === 0,
  };
}

/** The consumers that a program asked for, and what the server said. */
function consumersAskedFor(server: CheckServer, client: string) {
  return server.wire
    .of("api", { client })
    .filter(({ call }) => /^CONSUMER\.(DURABLE\.)?CREATE/.test(call))
    .map((asked) => ({ asked, answer: server.wire.of("apiReply", { request: asked.index })[0] }));
}

/** A reader has begun to read: it asks for messages, or they are pushed to it. */
const asksForScans = (server: CheckServer, client: string) =>
  server.wire.pulls({ client }).length > 0 ||
  server.wire.deliveries({ client }).length > 0 ||
  server.wire.of("apiReply", { client, ok: true }).some(({ call }) => call.startsWith("CONSUMER.")) ||
  // Or it looks for one message after the other.
  server.wire.of("api", { client }).some(({ call }) => /^(STREAM\.MSG|DIRECT)\.GET/.test(call)) ||
  // Or it asks again and again how many there are. Once: the client does so itself, before it makes an ordered consumer.
  server.wire.of("apiReply", { client, ok: true }).filter(({ call }) => call === "STREAM.INFO").length > 1;

/** After so long no entry comes any more. */
const nothingMoreMs = 5_000;
const deliveredTo = (server: CheckServer, client: string) => [
  `delivered to it        ${
    server.wire
      .deliveries({ client })
      .slice(0, 8)
      .map(({ subject, streamSeq }) => `${subject} (${streamSeq})`)
      .join(", ") || "nothing"
  }`,
];

/** The server's refusal of a consumer, where the program has none since. */
function refusedConsumer(server: CheckServer, client: string): EventOf<"apiReply"> | undefined {
  const refused = consumersAskedFor(server, client).at(-1)?.answer;
  if (refused === undefined || refused.ok) return undefined;
  const goesOn = [...server.wire.pulls({ client }), ...server.wire.deliveries({ client })];
  return goesOn.some(({ index }) => index > refused.index) ? undefined : refused;
}

function refusedInWords(refused: EventOf<"apiReply"> | undefined): string {
  const words = `The server refused the consumer that the program asked for: "${refused?.error}" (${refused?.errCode}).`;
  return /start sequence is also set/.test(refused?.error ?? "")
    ? `${words} The client sets this start sequence itself for an ordered consumer.`
    : words;
}

/** Consumers as lines of evidence: where they were to begin, and on what. */
function consumerLines(server: CheckServer, client: string): string[] {
  return consumersAskedFor(server, client)
    .slice(0, 2)
    .flatMap(({ asked, answer }) => {
      const settings = ["deliver_policy", "opt_start_seq", "filter_subject"].flatMap((name) => {
        const value = new RegExp(`"${name}":("[^"]*"|\\d+)`).exec(asked.text ?? "")?.[1];
        return value === undefined ? [] : [`${name.replace("_subject", "")} ${value}`];
      });
      return [
        wireLine(asked, `asks for ${settings.join(", ")}`),
        ...(answer && !answer.ok ? [wireLine(answer, `the server refuses it (${answer.errCode})`)] : []),
      ];
    });
}

/** No client waits as long as this when it is told to wait a third of a second. */
const farTooLongMs = 1_500;

check(
  "an answer that comes too late stores the scan once",
  {
    beliefs: {
      "timeout-means-lost": {
        belief: "When no answer comes, the scan was not stored.",
        readme: "no-answer-means-that-it-was-not-stored",
        hint: "Which ways are there for an answer not to come? In which of them has the stream got the scan? What could tell the stream that the second message is the same scan?",
      },
      "new-id-per-try": {
        belief: "Every message that I send gets a message id of its own.",
        readme: "every-message-gets-an-id-of-its-own",
        hint: "What does the message id name: the message on the wire, or the scan in it? Compare the ids of the two tries in the evidence.",
      },
      "duplicate-is-an-error": {
        belief: "A duplicate means that something went wrong.",
        readme: "a-duplicate-is-a-failure",
        hint: "The stream said that it has the scan. Is that not what `record` is for? Look at what else stands in the answer.",
      },
    },
  },
  async ({ server, learner, until, believes, fail }) => {
    const manager = await server.manager();
    await manager.streams.add(scansStream);
    const [scan] = scans(1, 1) as [Scan];

    // The scan arrives and is stored at once. What the server answers is on the way for longer than the scanner waits.
    const onTheWay = server.relay.hold((event) => event.kind === "puback", {
      who: "scanner",
      what: "the answer",
    });
    const recording = await learner.start("record", [server.connection("scanner"), "ams", [scan], 300]);
    const tries = () => server.wire.publishes({ client: "scanner" });
    const ids = () => tries().map((event) => event.msgId);
    const triesAsLines = () =>
      tries()
        .slice(0, 3)
        .map((event, i) =>
          wireLine(event, `try ${i + 1}: ${event.subject}, message id ${event.msgId ?? "none"}`),
        );
    let stored = 0;
    believes("timeout-means-lost", {
      when: () =>
        (stored > 1 && ids().some((id) => id === undefined)) ||
        (tries().length > 0 && recording.error?.code === "TIMEOUT"),
      message: () =>
        recording.error
          ? "The scan was stored, but the answer took longer than the scanner waits, and `record` gave up with TIMEOUT. Whoever called it believes that the scan is lost. No answer means that nobody knows yet; `record` is to try again until it knows."
          : `The scan was stored, but the answer came late. So the scan was sent again, and the server stored that, too: the stream has the scan ${stored} times. The server had no way to see that they are the same scan.`,
      evidence: async () => {
        const { messages } = (await manager.streams.info("SCANS")).state;
        return [...triesAsLines(), `in the stream  ${messages} ${messages === 1 ? "message" : "messages"}`];
      },
    });
    believes("new-id-per-try", {
      // The second copy is to be seen on the wire.
      when: () =>
        new Set(ids()).size > 1 &&
        !ids().includes(undefined) &&
        server.wire.pubAcks({ client: "scanner", duplicate: false }).length > 1,
      message:
        "The scan was sent again, with another message id. A stream recognises a duplicate by its id alone: with a new id, the second try is a new message, and the scan is stored twice. Make the id from the scan's own fields.",
      evidence: triesAsLines,
    });
    believes("duplicate-is-an-error", {
      when: () =>
        recording.error !== undefined &&
        server.wire.pubAcks({ client: "scanner", duplicate: true }).length > 0,
      message: () =>
        `The server stored the scan, recognised the second try as a duplicate and said so. \`record\` took that for a failure: ${recording.error?.message}. The answer is good news: the stream has the scan.`,
      evidence: () => {
        const answers = server.wire.pubAcks({ client: "scanner", duplicate: true });
        return [
          ...triesAsLines(),
          ...answers
            .slice(0, 1)
            .map((event) => wireLine(event, `answer: duplicate: true, seq: ${event.seq}`)),
        ];
      },
    });

    await until(
      "the scan to be sent again",
      () => tries().length > 1 || recording.settled || recording.trouble,
    );
    await until(
      "the server to answer each try",
      () => onTheWay.events.length >= tries().length || recording.settled,
    );
    onTheWay.release();
    await until("`record` to be done", () => recording.settled);
    // The answer was to the last try; the server has worked off those before it.
    stored = (await manager.streams.info("SCANS")).state.messages;
    const sequences = await recording.result();
    if (stored !== 1) {
      fail(`One scan was to be stored once. It is in the stream ${stored} times.`, {
        evidence: triesAsLines(),
      });
    }
    returned(sequences, [1], fail);
  },
);

check(
  "on a bad line the scanner tries until there is an answer",
  {
    // One that rests, and gets its first answer in vain on a busy machine, needs more than usual.
    budgetMs: 15_000,
    beliefs: {
      "the-client-knows-my-patience": {
        belief: "The client knows how long to wait for an answer.",
        readme: "the-client-knows-how-long-to-wait",
        hint: "How long does the client wait when nobody tells it? Where do you tell it?",
      },
      "a-few-tries-are-enough": {
        belief: "After a few tries without an answer there will be none.",
        readme: "a-few-tries-are-enough",
        hint: "What does the caller know of the scan when `record` ends now? What does the promise say about the number of tries?",
      },
    },
  },
  async ({ server, learner, until, believes, fail }) => {
    const manager = await server.manager();
    await manager.streams.add(scansStream);
    const patience = 100;
    const first = lateAnswer(server, "scanner");
    // Five more are lost; of a scanner that rests between its tries two, and those of the next second.
    const lost = server.relay.hold((event) => event.kind === "puback", {
      who: "scanner",
      what: "the next answers",
      mode: "drop",
      limit: 5,
    });
    const recording = await learner.start("record", [
      server.connection("scanner"),
      "ams",
      scans(1, 1),
      patience,
    ]);
    const tries = () => server.wire.publishes({ client: "scanner" });
    const answered = () => server.wire.pubAcks({ client: "scanner" }).some(({ kept }) => kept === undefined);
    believes("the-client-knows-my-patience", {
      when: () => first.taken(recording),
      message: `\`record\` was to wait ${patience} ms for an answer, and then to try again. The answer came more than a second late, and the program still waited for it. A client that is not told how long to wait takes its own default, 5 seconds.`,
      evidence: () => [
        ...tries().map((event) => wireLine(event, `try 1: ${event.subject}`)),
        `\`patience\` is ${patience} ms`,
        "a second try: none",
      ],
    });
    believes("a-few-tries-are-enough", {
      when: () => recording.settled && tries().length > 1 && !answered(),
      message: () =>
        `Every answer was lost on the way. After ${tries().length} tries, \`record\` ${recording.error ? `failed: ${recording.error.message}.` : "returned as if all were well."} The caller does not know whether the scan is stored. \`record\` is to try until there is an answer.`,
      evidence: () => [
        ...tries()
          .slice(-2)
          .map((event, i, last) =>
            wireLine(event, `try ${tries().length - last.length + i + 1}: ${event.subject}`),
          ),
        recording.error ? `\`record\` failed: ${recording.error.message}` : "`record` returned",
      ],
    });
    await first.comes(recording, until);
    // By the clock on the wall, as it rests: the longer the line is bad, the longer such a scanner needs.
    const goneOn = performance.now();
    await until("`record` to be done", () => {
      if (lost.events.length >= 2 && performance.now() - goneOn > 1_000) lost.release();
      return recording.settled;
    });
    await until("the wait for the answer to be looked at", () => !first.taken(recording));
    returned(await recording.result(), [1], fail);
    await until("the scanner to try until there is an answer", answered);
  },
);

check(
  "a scan that the stream refuses is reported",
  {
    beliefs: {
      "every-error-is-a-time-out": {
        belief: "When publish fails, trying again will help.",
        readme: "every-error-is-worth-another-try",
        hint: "What did the stream answer? Will it answer anything else if the same scan comes once more? Which of the errors says that nobody knows?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const manager = await server.manager();
    await manager.streams.add({ ...scansStream, max_msgs: 2, discard: DiscardPolicy.New });
    const recording = await learner.start("record", [
      server.connection("scanner"),
      "ams",
      scans(1, 3),
      patient,
    ]);
    const refusals = () => server.wire.pubAcks({ client: "scanner", ok: false });
    const since = lasting(2_000, () => refusals().length > 0 && !recording.settled && !recording.exit);
    believes("every-error-is-a-time-out", {
      when: () =>
        // Trying again and again, or once in a while: it does not come back with the error.
        (refusals().length > 3 && !recording.settled) ||
        since() ||
        (refusals().length > 0 && recording.settled && recording.error === undefined),
      message: () =>
        `The stream was full and refused a scan: "${refusals()[0]?.error}". \`record\` ${recording.settled ? "returned as if all were well" : `did not throw that error, and tried ${refusals().length > 1 ? `${refusals().length} times` : "on"}`}. A refusal is an answer; only a missing one is a reason to try again. So nobody learns that scans are not stored any more.`,
      evidence: () =>
        refusals()
          .slice(0, 3)
          .map((event) => wireLine(event, `${event.subject} refused: ${event.error} (${event.errCode})`)),
    });
    await until("`record` to be done", () => recording.settled);
    if (server.wire.publishes({ client: "scanner" }).length === 0) await recording.result();
    await until("`record` to throw the stream's error", () => recording.error);
    const { messages } = (await manager.streams.info("SCANS")).state;
    if (messages !== 2) {
      fail(
        `The stream has room for two scans, and \`record\` was given three. It has ${messages}: those before the refused one should be stored.`,
      );
    }

    // Then there is no stream any more. It is the server that answers, and its error has no `api_error`.
    await manager.streams.delete("SCANS");
    const unheard = () => server.wire.statuses({ client: "scanner later", code: 503 });
    let outcome: { value: unknown } | { error: unknown } | undefined;
    const goesOn = lasting(2_000, () => unheard().length > 0 && outcome === undefined);
    believes("every-error-is-a-time-out", {
      when: () =>
        // The client itself may have been told to try a few times.
        (unheard().length > 10 && outcome === undefined) ||
        goesOn() ||
        (unheard().length > 0 && outcome !== undefined && "value" in outcome),
      message: () =>
        `There was no stream for the scan, and the server said so: 503, nobody is there who answers. \`record\` ${outcome ? "returned as if all were well" : `did not throw that error, and tried ${unheard().length > 1 ? "again and again" : "on"}`}. This is an answer, too, though no stream gave it; only a missing one is a reason to try again.`,
      evidence: () =>
        unheard()
          .slice(0, 3)
          .map((event) => wireLine(event, `${event.asked}: ${event.code}, no responders`)),
    });
    outcome = await recording.attempt<number[]>("record", [
      server.connection("scanner later"),
      "ams",
      scans(4, 4),
      patient,
    ]);
    await until("`record` to throw the server's error", () => outcome && "error" in outcome);
  },
);

check(
  "a scanner that crashes and sends its day again stores nothing twice",
  {
    beliefs: {
      "id-not-from-the-data": {
        belief: "Any unique id will do.",
        readme: "any-unique-id-will-do",
        hint: "What does a program still have after a crash? Where must the id come from, if the second run is to make the same one?",
      },
      "id-too-coarse": {
        belief: "The number of the scan, or the parcel, is enough of an id.",
        readme: "a-short-id-is-enough",
        hint: "Look at the two scans in the evidence: in which fields do they differ? Does the id of your message have these fields, and does it show where one ends and the next begins?",
      },
    },
  },
  async ({ server, learner, until, believes, fail }) => {
    const manager = await server.manager();
    await manager.streams.add(scansStream);
    const day: Scan[] = [
      { scanner: "S-7", day: "2026-03-02", no: 1, parcel: "P-1", event: "in" },
      { scanner: "S-7", day: "2026-03-02", no: 2, parcel: "P-2", event: "in" },
      { scanner: "S-7", day: "2026-03-02", no: 3, parcel: "P-1", event: "out" },
      { scanner: "S-7", day: "2026-03-02", no: 4, parcel: "P-3", event: "in" },
      // The parcel comes back.
      { scanner: "S-7", day: "2026-03-02", no: 5, parcel: "P-1", event: "in" },
    ];
    // In rtm. They begin with another number, scanner and day than those that come later, so that no place in the list is an id. And
    // the names and numbers of some are the same when they are written without anything between.
    const others: Scan[] = [
      { scanner: "S-7", day: "2026-03-02", no: 6, parcel: "P-6", event: "in" },
      { scanner: "S-8", day: "2026-03-02", no: 1, parcel: "P-4", event: "in" },
      { scanner: "S-7", day: "2026-03-03", no: 1, parcel: "P-5", event: "out" },
      { scanner: "S-7", day: "2026-03-02", no: 11, parcel: "P-7", event: "in" },
      { scanner: "S-71", day: "2026-03-02", no: 1, parcel: "P-8", event: "in" },
    ];
    const sent = () =>
      server.wire
        .publishes((event) => event.client !== undefined && event.subject.startsWith("parcel."))
        .flatMap((event) => {
          const scan = readScan(event.text);
          return scan && event.msgId !== undefined
            ? [{ client: event.client, id: event.msgId, scan, name: named(scan), event }]
            : [];
        });
    /** Two different scans with one id. */
    const confused = () => {
      const first = new Map<string, ReturnType<typeof sent>[number]>();
      for (const each of sent()) {
        const before = first.get(each.id);
        if (before && before.name !== each.name) return [before, each] as const;
        first.set(each.id, each);
      }
      return undefined;
    };
    /** One scan with two ids, before the crash and after it; not where even two tries of one run differ. */
    const renamed = () => {
      const first = new Map<string, ReturnType<typeof sent>[number]>();
      let found: ReturnType<typeof sent> | undefined;
      for (const each of sent()) {
        const before = first.get(each.name);
        if (!before) first.set(each.name, each);
        else if (before.id !== each.id && before.client === each.client) return undefined;
        else if (before.id !== each.id) found ??= [before, each];
      }
      return found;
    };
    believes("id-too-coarse", {
      when: () => confused() !== undefined,
      message:
        "Two different scans were sent with the same message id. The stream takes the second for a duplicate of the first: it answers with `duplicate: true`, stores nothing, and the scan is lost without an error.",
      evidence: () =>
        (confused() ?? []).map(({ id, scan, event }) => wireLine(event, `message id ${id}, ${brief(scan)}`)),
    });
    believes("id-not-from-the-data", {
      when: () => renamed() !== undefined,
      message:
        "The scanner crashed, started again and sent its day again, with other message ids than before. The stream cannot see that it has these scans, and stores them a second time.",
      evidence: () => [
        brief((renamed() ?? [])[0]?.scan as Scan),
        ...(renamed() ?? []).map(({ id, event }) => wireLine(event, `sent with the message id ${id}`)),
      ],
    });

    // One answer is lost, so that a scan is tried twice; then, when it has sent some of its day, the scanner crashes.
    server.relay.hold((event) => event.kind === "puback", { who: "scanner", mode: "drop", limit: 1 });
    const rest = server.relay.hold(
      (event) =>
        event.kind === "publish" &&
        server.wire.publishes((earlier) => earlier.subject.startsWith("parcel.")).length >= 4,
      { who: "scanner", what: "what the scanner sends next" },
    );
    const first = await learner.start("record", [server.connection("scanner"), "ams", day, 250], {
      name: "record",
    });
    await until("the scanner to send some of its day", () => rest.events.length > 0 || first.settled);
    if (first.error) await first.result();
    await first.kill();
    rest.drop();

    // Its first answer is lost, too: whoever puts the sequences in a list as the answers come has another order.
    server.relay.hold((event) => event.kind === "puback", { who: "scanner again", mode: "drop", limit: 1 });
    const second = await learner.start("record", [server.connection("scanner again"), "ams", day, 250], {
      name: "record",
    });
    const sequences = await second.result();
    const again = (depot: string, list: Scan[]) =>
      second.again<number[]>("record", [server.connection("scanner again"), depot, list, patient]);
    const more = await again("rtm", others);
    // The newest first: the sequences go down.
    const backwards = day.toReversed();
    const down = await again("ams", backwards);

    const all = [...day, ...others];
    const misplaced: string[] = [];
    const inStream: string[] = [];
    const sequenceOf = new Map<string, number>();
    const { last_seq } = (await manager.streams.info("SCANS")).state;
    for (let seq = 1; seq <= last_seq; seq++) {
      const message = await manager.streams.getMessage("SCANS", { seq });
      const scan = message.json<Scan>();
      inStream.push(named(scan));
      sequenceOf.set(named(scan), seq);
      const depot = others.some((other) => named(other) === named(scan)) ? "rtm" : "ams";
      const right = `parcel.${depot}.${scan.event}`;
      if (message.subject !== right)
        misplaced.push(`on ${message.subject} instead of ${right}: ${brief(scan)}`);
    }
    const copies = (scan: Scan) => inStream.filter((name) => name === named(scan)).length;
    const unequal = [
      ...all.filter((scan) => copies(scan) === 0).map((scan) => `not in the stream: ${brief(scan)}`),
      ...all
        .filter((scan) => copies(scan) > 1)
        .map((scan) => `in the stream ${copies(scan)} times: ${brief(scan)}`),
      ...inStream
        .filter((name) => !all.some((scan) => named(scan) === name))
        .map((name) => `in the stream, and none of the scans: ${name}`),
    ];
    if (unequal.length > 0) {
      const twice = all.filter((scan) => copies(scan) > 1).length;
      const missing = all.filter((scan) => copies(scan) === 0).length;
      fail(
        `Each of the ${all.length} scans should be in the stream once. More than once: ${twice || "none"}. Missing: ${missing || "none"}.`,
        { readme: "the-idea", evidence: unequal.slice(0, 8) },
      );
    }
    if (misplaced.length > 0) {
      fail(
        `Each scan should be on the subject parcel.<depot>.<event>, with the depot that \`record\` was given and the event of the scan. On another subject: ${misplaced.length}.`,
        { readme: "the-idea", evidence: misplaced.slice(0, 8) },
      );
    }
    // In the order in which they were given.
    returned(
      sequences,
      day.map((scan) => sequenceOf.get(named(scan)) as number),
      fail,
    );
    returned(
      more,
      others.map((scan) => sequenceOf.get(named(scan)) as number),
      fail,
    );
    returned(
      down,
      backwards.map((scan) => sequenceOf.get(named(scan)) as number),
      fail,
    );
  },
);

check(
  "the stream remembers as long as a scanner may be away",
  {
    beliefs: {
      "milliseconds-for-nanoseconds": {
        belief: "Durations are in milliseconds, as everywhere in JavaScript.",
        readme: "durations-are-in-milliseconds",
        hint: "Look at the unit of `duplicate_window`, in its type's comment. How long is the number in the evidence in that unit?",
      },
      "window-too-short": {
        belief: "A stream knows every message id that it has ever seen.",
        readme: "a-stream-knows-every-id-that-it-has-seen",
        hint: "What does a stream's configuration say about duplicates when you say nothing? Compare that with the time that a scanner may be away.",
      },
    },
  },
  async ({ server, learner, until, believes, fail }) => {
    // Not a whole number, and longer than a value that looks generous.
    const hours = 100.5;
    const wanted = hours * hourNs;
    const manager = await server.manager();
    const setting = await learner.start("createScans", [server.connection("hub"), hours]);
    const asked = () =>
      server.wire
        .of("api", { client: "hub", call: "STREAM.CREATE" })
        .map((event) => settingLine(event, "duplicate_window"));
    let window: number | undefined;
    const inWords = (ns: number) =>
      ns < 1e9
        ? `${ns / 1e6} milliseconds`
        : ns < 60e9
          ? `${ns / 1e9} seconds`
          : ns < hourNs
            ? `${ns / 60e9} minutes`
            : `${ns / hourNs} hours`;
    const seen = () => [
      `duplicate_window as stored  ${window} ns, that is ${inWords(window ?? 0)}`,
      `a scanner may be away for   ${wanted} ns, that is ${hours} hours`,
      ...asked(),
    ];
    believes("milliseconds-for-nanoseconds", {
      when: () =>
        window !== undefined &&
        window < wanted &&
        [1e6, 1e9].some((unit) => window === Math.round(wanted / unit)),
      message: () =>
        `The stream forgets a message id after ${inWords(window ?? 0)}, though a scanner may be away for ${hours} hours. The server took the number as it came: it counts in another unit than you do.`,
      evidence: seen,
    });
    believes("window-too-short", {
      when: () => window !== undefined && window < wanted,
      message: () =>
        `The stream forgets a message id after ${inWords(window ?? 0)}, and a scanner may be away for ${hours} hours. A scan that it sends again after that is stored a second time, with the same id and without an error.`,
      evidence: seen,
    });
    await setting.result();
    const info = await until("the stream SCANS to be there", () =>
      manager.streams.info("SCANS").catch(() => undefined),
    );
    window = info.config.duplicate_window;
    await until("the duplicate window to be looked at", () => (window as number) >= wanted);
    const { config } = info;
    if (config.no_ack) {
      fail(
        "The stream SCANS was told not to answer: `no_ack` is true. It stores a scan, and the scanner never learns that it is stored. Leave the setting out.",
        {
          evidence: server.wire
            .of("api", { client: "hub", call: "STREAM.CREATE" })
            .map((event) => settingLine(event, "no_ack")),
        },
      );
    }
    if (config.retention !== RetentionPolicy.Limits) {
      fail(
        `The stream SCANS was told to remove scans when they are read, or when nobody is there to read them: \`retention\` is "${config.retention}". A scan is to stay whether it is read or not. Leave the setting out.`,
        {
          evidence: server.wire
            .of("api", { client: "hub", call: "STREAM.CREATE" })
            .map((event) => settingLine(event, "retention")),
        },
      );
    }
    const js = await server.jetstream();
    // Two on one subject: the second does not take the place of the first.
    const subjects = ["parcel.ams.in", "parcel.rtm.out", "parcel.ams.customs", "parcel.ams.in"];
    for (const subject of subjects) {
      const ack = await js.publish(subject, "").catch(() => undefined);
      if (ack?.stream !== "SCANS") {
        fail(
          `No stream takes the subject ${subject}. The stream SCANS should store the scans of every depot and of every event: to "in" and "out" others may come.`,
          { evidence: [`subjects of SCANS  ${config.subjects.join(", ")}`, ...asked()] },
        );
      }
    }
    const { messages } = (await manager.streams.info("SCANS")).state;
    if (messages !== subjects.length) {
      const limits = ["max_msgs_per_subject", "max_msgs", "max_bytes", "max_age"] as const;
      fail(
        `The check sent ${subjects.length} scans to SCANS, two of them on parcel.ams.in. The stream should have all of them, and has ${messages}.`,
        {
          evidence: limits
            .filter((name) => config[name] > 0)
            .map((name) => `${name} as stored  ${config[name]}`),
        },
      );
    }
  },
);

check(
  "two depots want the same locker",
  {
    beliefs: {
      "dedup-as-a-lock": {
        belief: "A message id that is already there keeps the others out.",
        readme: "a-message-id-is-a-lock",
        hint: "For how long does a stream know a message id? And what does it do with the expectation “nothing is here yet”, which it can check without any id?",
      },
      "read-then-write": {
        belief: "If the locker was free when I looked, it is mine.",
        readme: "i-looked-and-it-was-free",
        hint: "Both depots looked, and both saw a free locker. Who could look and write in one step? What would you have to tell it?",
      },
      "last-sequence-of-the-stream": {
        belief: "The expected sequence is that of the stream.",
        readme: "the-expected-sequence-is-that-of-the-stream",
        hint: "The locker was free, and the claim was refused. What had changed in the stream meanwhile? Which expectation looks only at one locker?",
      },
      "conflict-is-an-accident": {
        belief: "An error of publish is an accident; it is thrown, or tried again.",
        readme: "a-refusal-is-an-accident",
        hint: "What does the error say about the locker? It is an answer; which of the two that `claim` can give is it?",
      },
    },
  },
  async ({ server, learner, until, believes, fail }) => {
    const manager = await server.manager();
    // It forgets ids at once, as other streams do after minutes or days: a locker stays claimed longer.
    await manager.streams.add({ ...lockersStream, duplicate_window: 100_000_000 });
    const claims = () =>
      server.wire.publishes(
        (event) => (event.client ?? "").startsWith("depot") && event.subject.startsWith("locker."),
      );
    const header = (event: { headers: Record<string, string> | undefined }, name: string) =>
      Object.entries(event.headers ?? {}).find(([key]) => key.toLowerCase() === name)?.[1];
    const perSubject = "nats-expected-last-subject-sequence";
    const perStream = "nats-expected-last-sequence";
    const expects = () =>
      claims().some(
        (event) => header(event, perSubject) !== undefined || header(event, perStream) !== undefined,
      );
    const claimsOf = (locker?: string) =>
      claims()
        .filter((event) => locker === undefined || event.subject === `locker.${locker}`)
        .slice(0, 4)
        .map((event) => {
          const expected = header(event, perSubject);
          const last = header(event, perStream);
          const id = event.msgId === undefined ? "" : `, message id ${event.msgId}`;
          const what =
            expected !== undefined
              ? `, expected last on the subject ${expected}`
              : last !== undefined
                ? `, expected last in the stream ${last}`
                : ", nothing expected";
          return { event, words: `publish ${event.subject} "${event.text}"${what}${id}` };
        });
    const refusals = () =>
      server.wire
        .pubAcks({ ok: false, errCode: wrongLastSequence })
        .map((event) => ({ event, words: `${event.subject} refused, ${event.error} (${event.errCode})` }));
    const claimLines = (locker?: string) => inOrder(claimsOf(locker));

    /** What was said of each locker. */
    const said: { locker: string; parcel: string; answer: string }[] = [];
    const winners = (locker: string) =>
      said.filter((each) => each.locker === locker && each.answer === "claimed");
    const twice = () => said.find(({ locker }) => winners(locker).length > 1)?.locker;
    const errors: string[] = [];
    /** Two parcels got the locker, and their claims had one message id. */
    const sameId = () => {
      const ids = claims().filter((event) => event.subject === `locker.${twice()}`);
      return (
        ids.length > 1 && ids.every((event) => event.msgId !== undefined && event.msgId === ids[0]?.msgId)
      );
    };
    believes("dedup-as-a-lock", {
      when: () => twice() !== undefined && !expects() && sameId(),
      message: () =>
        `Two parcels were told that locker ${twice()} is theirs. The message id kept the second out only as long as the stream knew the id; a locker stays claimed longer. An id says that two messages are the same. It does not say that a place is taken.`,
      evidence: () => [...claimLines(twice()), ...answerLines(twice())],
    });
    believes("last-sequence-of-the-stream", {
      when: () =>
        claims().some((event) => header(event, perStream) !== undefined) &&
        (said.some(({ locker, answer }) => locker.startsWith("B-") && answer === "taken") ||
          errors.length > 0),
      message:
        "Two depots claimed two lockers, B-1 and B-2. Both were free, and a claim was refused because of a message about another locker. The expectation was about the last message of the whole stream, so that every claim gets in the way of every other.",
      evidence: () => inOrder([...claimsOf(), ...refusals()]),
    });
    believes("conflict-is-an-accident", {
      when: () =>
        refusals().length > 0 &&
        claims().some((event) => header(event, perSubject) !== undefined) &&
        (errors.length > 0 || claims().filter((event) => event.subject === "locker.A-1").length > 5),
      message: () =>
        errors.length > 0
          ? `The locker was another's, the server said so, and \`claim\` threw an error instead of saying "taken": ${errors[0]}. Who calls it cannot tell that from a server that is down.`
          : "The locker was another's, the server said so, and `claim` tried again and again. It stays taken, for weeks.",
      evidence: () => inOrder([...claimsOf().slice(0, 2), ...refusals().slice(0, 2)]),
    });
    believes("read-then-write", {
      when: () => twice() !== undefined && !expects(),
      message: () =>
        `Two parcels were told that locker ${twice()} is theirs. Both depots asked at the same time, and no \`expect\` told the server to store a claim only if it is the first. Between your look at the locker and your message there is always a moment for another depot.`,
      evidence: () => [...claimLines(twice()), ...answerLines(twice())],
    });
    const answerLines = (only?: string) =>
      said
        .filter(({ locker }) => locker === only)
        .map(({ locker, parcel, answer }) => `locker ${locker}, parcel ${parcel}: "${answer}"`);

    // Both depots have looked, if they look, before the claim of either arrives.
    const onTheWay = server.relay.hold(
      (event) => event.kind === "publish" && event.subject.startsWith("locker."),
      { what: "the claims" },
    );
    const one = await learner.start("claim", [server.connection("depot ams"), "A-1", "P-1", patient], {
      name: "claim",
    });
    const other = await learner.start("claim", [server.connection("depot rtm"), "A-1", "P-2", patient], {
      name: "claim",
    });
    await until("both depots to send their claim", () =>
      [one, other].every(
        (program, i) =>
          program.settled || onTheWay.events.some((event) => event.client === ["depot ams", "depot rtm"][i]),
      ),
    );
    onTheWay.release();
    const note = async (program: typeof one, parcel: string) => {
      await until("`claim` to be done", () => program.settled);
      if (program.error) errors.push(program.error.message);
      else said.push({ locker: "A-1", parcel, answer: program.value as string });
    };
    await note(one, "P-1");
    await note(other, "P-2");
    await one.result();
    await other.result();
    if (winners("A-1").length > 1) {
      fail("Two parcels were told that locker A-1 is theirs.", {
        evidence: [...inOrder([...claimsOf("A-1"), ...refusals()]), ...answerLines("A-1")],
      });
    }

    // Two other depots, two lockers: neither is in the way of the other.
    const crossing = server.relay.hold(
      (event) => event.kind === "publish" && event.subject.startsWith("locker."),
      { what: "the claims" },
    );
    const both = Promise.all([
      one.attempt<string>("claim", [server.connection("depot lux"), "B-1", "P-3", patient]),
      other.attempt<string>("claim", [server.connection("depot bru"), "B-2", "P-4", patient]),
    ]);
    both.catch(() => {});
    await until("both depots to send their claim", () => crossing.events.length >= 2);
    crossing.release();
    for (const [i, outcome] of (await both).entries()) {
      if ("error" in outcome) errors.push(outcome.error.message);
      else
        said.push({
          locker: ["B-1", "B-2"][i] as string,
          parcel: ["P-3", "P-4"][i] as string,
          answer: outcome.value,
        });
    }

    // Weeks later. The stream has forgotten the ids of then.
    const js = await server.jetstream();
    const forgotten = { msgID: "forgotten?" };
    await js.publish("locker.Z-9", "P-0", forgotten);
    await until(
      "the stream to forget message ids",
      async () => !(await js.publish("locker.Z-9", "P-0", forgotten)).duplicate,
    );
    const late = await one.attempt<string>("claim", [server.connection("depot ams"), "A-1", "P-5", patient]);
    if ("error" in late) errors.push(late.error.message);
    else said.push({ locker: "A-1", parcel: "P-5", answer: late.value });
    if (errors.length > 0) {
      fail(`\`claim\` should have said "claimed" or "taken". It threw: ${errors[0]}.`);
    }
    for (const { locker, answer, parcel } of said.filter(({ locker }) => locker.startsWith("B-"))) {
      if (answer !== "claimed") {
        fail(
          `Locker ${locker} was free, and \`claim\` should have said "claimed" for parcel ${parcel}. It said ${JSON.stringify(answer)}.`,
          { evidence: claimLines(locker) },
        );
      }
    }
    const [winner] = winners("A-1");
    if (winner === undefined) {
      return fail(
        'Locker A-1 was free, and two parcels wanted it. One of them should have been told "claimed", and none was.',
        { evidence: [...claimLines("A-1"), ...answerLines("A-1")] },
      );
    }
    const odd = said.find((each) => each.locker === "A-1" && each !== winner && each.answer !== "taken");
    if (odd) {
      fail(
        `Locker A-1 is that of parcel ${winner.parcel}. For parcel ${odd.parcel}, \`claim\` should have said "taken", and said ${JSON.stringify(odd.answer)}.`,
        { evidence: answerLines("A-1") },
      );
    }
    const inLocker = await manager.streams
      .getMessage("LOCKERS", { last_by_subj: "locker.A-1" })
      .catch(() => undefined);
    if (inLocker?.string() !== winner.parcel) {
      fail(
        `Parcel ${winner.parcel} was told that locker A-1 is its own. The last message on locker.A-1 should be "${winner.parcel}", and is ${inLocker ? `"${inLocker.string()}"` : "not there"}.`,
        { evidence: claimLines("A-1") },
      );
    }
  },
);

check(
  "a depot that got no answer asks for its locker again",
  {
    beliefs: {
      "taken-by-another": {
        belief: "If the locker is taken, then by somebody else.",
        readme: "taken-means-taken-by-another",
        hint: "Who claimed the locker in the evidence? How could `claim` find out whose parcel lies in it?",
      },
      "the-client-knows-my-patience": {
        belief: "The client knows how long to wait for an answer.",
        readme: "the-client-knows-how-long-to-wait",
        hint: "How long does the client wait when nobody tells it? Where do you tell it?",
      },
    },
  },
  async ({ server, learner, until, believes, fail }) => {
    const manager = await server.manager();
    await manager.streams.add(lockersStream);
    // The first claim is stored, and its answer is lost.
    const lost = lateAnswer(server, "depot");
    const patience = 300;
    const asking = await learner.start("claim", [server.connection("depot"), "D-1", "P-1", patience], {
      name: "claim",
    });
    believes("the-client-knows-my-patience", {
      when: () => lost.taken(asking),
      message: `\`claim\` was to wait ${patience} ms for an answer. The answer came more than a second late, and the program still waited for it. A client that is not told how long to wait takes its own default, 5 seconds.`,
      evidence: () => [
        ...server.wire
          .publishes({ subject: "locker.D-1" })
          .map((event) => wireLine(event, `publish ${event.subject} "${event.text}"`)),
        `\`patience\` is ${patience} ms`,
      ],
    });
    await lost.comes(asking, until);
    await until("`claim` to be done", () => asking.settled);
    await until("the wait for the answer to be looked at", () => !lost.taken(asking));
    // Whoever asks for himself, before he gives up, has found out already.
    if (!asking.error && asking.value !== "claimed") {
      fail(
        `The claim of locker D-1 for P-1 was stored, and its answer was lost. \`claim\` should have thrown the error, or found out that the locker is P-1's and said "claimed". It said ${JSON.stringify(asking.value)}.`,
      );
    }
    let again: string | undefined;
    const claims = () => server.wire.publishes((event) => event.subject === "locker.D-1");
    const refusals = () =>
      server.wire.pubAcks({ ok: false, errCode: wrongLastSequence, subject: "locker.D-1" });
    const lookedUp = () => server.wire.of("api", { client: "depot again" }).length > 0;
    believes("taken-by-another", {
      when: () => again === "taken" && (refusals().length > 0 || lookedUp()),
      message:
        'The first claim of locker D-1 for P-1 was stored, but the answer was lost. So the depot asked again, and `claim` said "taken". The parcel in the locker is P-1 itself: it is sent away from its own locker, which stays locked for weeks.',
      evidence: () => [
        ...claims()
          .slice(0, 2)
          .map((event) => wireLine(event, `publish ${event.subject} "${event.text}"`)),
        ...refusals()
          .slice(0, 1)
          .map((event) => wireLine(event, `${event.subject} refused, ${event.error} (${event.errCode})`)),
        'in the stream  locker.D-1 "P-1"',
        '               locker.D-2 "P-12"',
        '`claim` said   "taken"',
      ],
    });
    // Another locker is claimed in between: the last claim in the stream is not that of D-1.
    const js = await server.jetstream();
    await js.publish("locker.D-2", "P-12");
    const ask = (parcel: string, locker = "D-1") =>
      asking.again<string>("claim", [server.connection("depot again"), locker, parcel, patient]);
    again = await ask("P-1");
    if (again !== "claimed") {
      fail(
        `P-1 lies in locker D-1 and asked for it again. \`claim\` should have said "claimed". It said ${JSON.stringify(again)}.`,
      );
    }
    // The name of one parcel begins with that of the other.
    for (const [parcel, locker, owner] of [
      ["P-12", "D-1", "P-1"],
      ["P-1", "D-2", "P-12"],
    ] as const) {
      const other = await ask(parcel, locker);
      if (other === "taken") continue;
      fail(
        `${parcel} asked for locker ${locker}, in which ${owner} lies. \`claim\` should have said "taken". It said ${JSON.stringify(other)}.`,
      );
    }
    const { messages } = (await manager.streams.info("LOCKERS")).state;
    if (messages !== 2) {
      fail(
        `Two lockers are taken, and the stream should have one message for each of them. It has ${messages} messages.`,
      );
    }
  },
);

check(
  "a locker that cannot be reached is not taken",
  {
    beliefs: {
      "every-error-is-a-conflict": {
        belief: "If the claim fails, somebody else has the locker.",
        readme: "every-error-means-that-it-is-taken",
        hint: "What exactly does the server say when a locker is another's? Compare that with the error in the evidence: code, `api_error`, `err_code`.",
      },
    },
  },
  async ({ server, learner, believes, fail }) => {
    const manager = await server.manager();
    await manager.streams.add({ ...lockersStream, max_msgs: 1, discard: DiscardPolicy.New });
    const asking = await learner.start("claim", [server.connection("depot"), "C-1", "P-1", patient], {
      name: "claim",
    });
    const free = await asking.result();
    if (free !== "claimed") {
      fail(`Locker C-1 was free. \`claim\` should have said "claimed". It said ${JSON.stringify(free)}.`);
    }

    let wrong: { what: string; evidence: string[]; wire: readonly WireEvent[] } | undefined;
    believes("every-error-is-a-conflict", {
      when: () => wrong !== undefined,
      message: () =>
        `${wrong?.what} \`claim\` said "taken" all the same. The parcel is sent away from a locker that may be free. Only one of the errors of publish means that somebody was first.`,
      evidence: () => wrong?.evidence ?? [],
      wire: () => wrong?.wire ?? [],
    });

    // What the depot sends never arrives.
    const lost = server.relay.hold((event) => event.kind === "publish", { who: "depot away", mode: "drop" });
    const unheard = await asking.attempt<string>("claim", [
      server.connection("depot away"),
      "C-2",
      "P-2",
      300,
    ]);
    lost.release();
    if ("value" in unheard && unheard.value === "taken") {
      wrong = {
        what: "The claim of locker C-2 was lost on the way, and no answer came.",
        evidence: [
          "in the stream     nothing on locker.C-2",
          "error of publish  TIMEOUT, no answer",
          '`claim` said      "taken"',
        ],
        wire: lost.events,
      };
    }
    // The stream is full.
    const refused = await asking.attempt<string>("claim", [
      server.connection("depot"),
      "C-3",
      "P-3",
      patient,
    ]);
    if (!wrong && "value" in refused && refused.value === "taken") {
      const [answer] = server.wire.pubAcks({ ok: false, subject: "locker.C-3" });
      wrong = {
        what: "The stream is full and stores no more claims; nobody has locker C-3.",
        evidence: [
          "in the stream     nothing on locker.C-3",
          `error of publish  ${answer?.error} (${answer?.errCode})`,
          '`claim` said      "taken"',
        ],
        wire: answer ? [answer] : [],
      };
    }
    // The stream is closed for good: its error shares the code 400 with that of a locker that is another's.
    const forGood: object = { sealed: true };
    await manager.streams.update("LOCKERS", forGood);
    const sealed = await asking.attempt<string>("claim", [server.connection("depot"), "C-4", "P-4", patient]);
    if (!wrong && "value" in sealed && sealed.value === "taken") {
      const [answer] = server.wire.pubAcks({ ok: false, subject: "locker.C-4" });
      wrong = {
        what: "The stream is sealed and stores no more claims; nobody has locker C-4. Its error has the code 400, as that of a locker that is another's, but another `err_code`.",
        evidence: [
          "in the stream     nothing on locker.C-4",
          `error of publish  ${answer?.error} (${answer?.errCode})`,
          '`claim` said      "taken"',
        ],
        wire: answer ? [answer] : [],
      };
    }
    for (const [outcome, what] of [
      [unheard, "got no answer"],
      [refused, "was refused by a full stream"],
      [sealed, "was refused by a sealed stream"],
    ] as const) {
      if ("value" in outcome) {
        fail(
          `A claim ${what}, so nobody knows whether the locker is free. \`claim\` should have thrown the error. It said ${JSON.stringify(outcome.value)}.`,
          { readme: "every-error-means-that-it-is-taken" },
        );
      }
    }
  },
);

check(
  "the ledger goes on where it stopped",
  {
    beliefs: {
      "starts-at-new": {
        belief: "A reader that starts gets what comes from then on; that is enough.",
        readme: "a-reader-starts-with-what-is-new",
        hint: "Which scans were in the stream before the reader started? From which of them on does it need them?",
      },
      "apply-not-awaited": {
        belief: "The entries finish in the order in which I start them.",
        readme: "entries-finish-in-the-order-in-which-they-start",
        hint: "What does `enter` give back, and what does your loop, or your callback, do with it? What is in the book if the program dies now?",
      },
      "consumer-sequence-as-position": {
        belief: "The sequence of a message is the one that my consumer counts.",
        readme: "the-consumer-counts-as-the-stream-does",
        hint: "A message that is delivered has two sequences. Which of them is still the same in another consumer, after a restart?",
      },
      "starts-over": {
        belief: "A consumer goes on by itself where the last one stopped.",
        readme: "a-reader-goes-on-by-itself",
        hint: "Your second program made a new consumer. What did you tell it about where the first one stopped?",
      },
      "position-is-the-next": {
        belief: "I start at the sequence that I have saved.",
        readme: "i-start-at-the-sequence-that-i-have-saved",
        hint: "Is the scan with the saved sequence in the book, or not yet? Which one do you need next?",
      },
      "refused-without-a-word": {
        belief: "If the server refuses my consumer, I get an error.",
        readme: "a-refused-consumer-is-an-error",
        hint: "Read the server's reason: which two settings does it name? Which of them did you write, and where do you say nothing if you want to begin at the first message?",
      },
      "gap-after-restart": {
        belief: "What was delivered to me is done.",
        readme: "what-was-delivered-is-done",
        hint: "The server remembers what it has delivered. Who knows what is in the book, and whom do you ask after a restart?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const manager = await server.manager();
    await manager.streams.add(scansStream);
    const js = await server.jetstream();
    const all = scans(1, 8);
    /** Another depot's scan lies before each scan of ams but the third, so that who skips too much after the crash skips that. */
    const stranger = (no: number) =>
      no === 3 ? undefined : no % 2 === 0 ? "parcel.ams2.in" : "parcel.rtm.in";
    /** What else than "in" and "out" may come. */
    const eventOf = ({ no, event }: Scan) => (no === 5 ? "customs" : event);
    /** The stream sequence of each scan of ams. */
    const sequenceOf = new Map<number, number>();
    const send = async (from: number, to: number) => {
      for (const scan of all.slice(from - 1, to)) {
        const other = stranger(scan.no);
        if (other) await js.publish(other, JSON.stringify({ ...scan, parcel: "R-1" }));
        const event = eventOf(scan);
        const ack = await js.publish(`parcel.ams.${event}`, JSON.stringify({ ...scan, event }));
        sequenceOf.set(scan.no, ack.seq);
      }
    };

    const book: { no: number; sequence: number }[] = [];
    /** Entries as they are begun, by the reader that begins them. */
    const begun: { reader: number; no: number; sequence: number }[] = [];
    let readers = 0;
    let running: LearnerProgram<unknown> | undefined;
    let inWork = 0;
    let together: number[] = [];
    const ledger = (crashesAt?: number) => {
      const reader = ++readers;
      const open = new Set<number>();
      return {
        last: hook<[], Promise<number>>(async () => book.at(-1)?.sequence ?? 0),
        enter: hook<[Scan, number], Promise<void>>(async (scan, sequence) => {
          open.add(scan.no);
          inWork = Math.max(inWork, open.size);
          if (open.size > 1 && together.length === 0) together = [...open];
          begun.push({ reader, no: scan.no, sequence });
          // The power goes in the middle of this entry: it never gets into the book.
          if (scan.no === crashesAt) await hang();
          book.push({ no: scan.no, sequence });
          open.delete(scan.no);
        }),
      };
    };
    const reading = (client: string) => asksForScans(server, client);

    const firstBegun = (reader: number) => begun.find((entry) => entry.reader === reader)?.no;
    const numbers = (list: readonly { no: number }[]) => list.map(({ no }) => no).join(", ") || "nothing";
    const seen = () => [
      `in the stream, of ams  scans 1 to ${sequenceOf.size}`,
      `first reader began     ${numbers(begun.filter((entry) => entry.reader === 1))}`,
      ...(readers > 1
        ? [`second reader began    ${numbers(begun.filter((entry) => entry.reader === 2))}`]
        : []),
      `in the book            ${numbers(book)}`,
    ];
    const refused = () => refusedConsumer(server, readers > 1 ? "reader 2" : "reader 1");
    const noConsumer = lasting(700, () => refused() !== undefined && !running?.settled);
    believes("refused-without-a-word", {
      when: noConsumer,
      message: () =>
        `${refusedInWords(refused())} \`keepLedger\` did not throw, and no scan can come. An ordered consumer of this client gives no error for many minutes: it waits, and asks for the same again.`,
      evidence: () => consumerLines(server, readers > 1 ? "reader 2" : "reader 1"),
    });
    believes("apply-not-awaited", {
      when: () => inWork > 1,
      message: () =>
        `The entries of scans ${together.join(" and ")} were made at the same time. If the program dies while the earlier one is not in the book and the later one is, the book says that it has everything up to the later one.`,
      evidence: () => [`entries at once  ${together.map((no) => `scan ${no}`).join(", ")}`, ...seen()],
      wire: () => server.wire.by("reader 1", "delivery"),
    });
    believes("starts-at-new", {
      when: () => (firstBegun(1) ?? 1) > 1,
      message: () =>
        `The book was empty and scans 1 to 3 were in the stream, but the first entry was scan ${firstBegun(1)}. The reader was given only what came after its start; what was stored before is left out, and nobody says so.`,
      evidence: seen,
      wire: () => server.wire.by("reader 1", "delivery"),
    });
    const counted = () =>
      begun.find(({ no, sequence }) => sequence !== sequenceOf.get(no) && sequenceOf.has(no));
    believes("consumer-sequence-as-position", {
      when: () => {
        const entry = counted();
        return (
          entry !== undefined &&
          server.wire
            .deliveries()
            .some(
              ({ consumerSeq, streamSeq }) =>
                consumerSeq === entry.sequence && streamSeq === sequenceOf.get(entry.no),
            )
        );
      },
      message: () => {
        const entry = counted();
        return `Scan ${entry?.no} was entered with the number ${entry?.sequence}. That is how many messages this consumer had delivered by then. In the stream the scan has the sequence ${sequenceOf.get(entry?.no ?? 0)}, because scans of other depots lie between; a start at ${entry?.sequence} would be at the wrong place.`;
      },
      evidence: () =>
        server.wire
          .deliveries()
          .slice(0, 3)
          .map((event) =>
            wireLine(
              event,
              `delivery of ${event.subject}, stream sequence ${event.streamSeq}, consumer sequence ${event.consumerSeq}`,
            ),
          ),
    });
    believes("starts-over", {
      when: () => firstBegun(2) === 1,
      message:
        "After the crash, scans 1 and 2 were in the book, and the second reader began with scan 1: the book has it twice now. A new consumer knows nothing of the one before; without a place to start from, it begins at the beginning.",
      evidence: seen,
      wire: () => server.wire.by("reader 2", "delivery"),
    });
    believes("position-is-the-next", {
      when: () => firstBegun(2) === 2,
      message: () =>
        `After the crash, scans 1 and 2 were in the book, the last with the sequence ${sequenceOf.get(2)}, and the second reader began with scan 2 again. A consumer that starts at a sequence delivers the message with that sequence, too.`,
      evidence: seen,
      wire: () => server.wire.by("reader 2", "delivery"),
    });
    /** Both readers had one consumer, whose place the server knows. */
    const leftToTheServer = () => {
      const [one, two] = ["reader 1", "reader 2"].map((client) => server.wire.deliveries({ client })[0]);
      return one !== undefined && one.consumer === two?.consumer;
    };
    believes("gap-after-restart", {
      when: () => (firstBegun(2) ?? 3) > 3,
      message: () =>
        `The first reader was killed while it entered scan 3. The second reader began with scan ${firstBegun(2)}, and scan 3 is missing in the book. ${leftToTheServer() ? "The program left its position to the server. The server knows what it delivered, or what was acked. It does not know what is in the book." : "The place where the second reader began was not the first that the book does not have."} Ask \`ledger.last()\`, and start behind it.`,
      evidence: seen,
      wire: () => [
        ...server.wire.by("reader 1", "delivery", "ack"),
        ...server.wire.by("reader 2", "delivery").slice(0, 1),
      ],
    });

    /** `until` for what comes into the book; says sooner what is known when nothing comes any more. */
    const entries = async (what: string, client: string, condition: () => boolean) => {
      let count = -1;
      const nothingMore = lasting(nothingMoreMs, () => {
        const same = begun.length === count;
        count = begun.length;
        return same;
      });
      await until(what, () => condition() || nothingMore());
      if (condition()) return;
      fail(
        `The check waited for ${what}. For ${nothingMoreMs / 1_000} seconds, no scan was entered any more.`,
        {
          readme: "the-idea",
          evidence: [...consumerLines(server, client), ...deliveredTo(server, client), ...seen()],
        },
      );
    };

    await send(1, 3);
    const stop = new AbortController();
    const book1 = ledger(3);
    const first = await learner.start(
      "keepLedger",
      [server.connection("reader 1"), "ams", book1, stop.signal],
      {
        name: "keepLedger",
      },
    );
    running = first;
    await until("the reader to ask for scans", () => reading("reader 1") || first.settled);
    if (first.error) await first.result();
    await send(4, 4);
    await entries(
      "scan 3 to be entered",
      "reader 1",
      () => begun.some(({ no }) => no === 3) || first.settled,
    );
    await first.answers();
    if (first.settled) await first.result();
    // Who does not wait for an entry begins the next one now, if it has it or gets it.
    const delivered = () =>
      server.wire.deliveries({ client: "reader 1", streamSeq: sequenceOf.get(4) as number }).length > 0;
    const quiet = lasting(150, () => true);
    await until("scan 4 to be delivered, or not", () => delivered() || quiet());
    await first.answers();
    await until("the entries to be looked at", () => inWork === 1);
    await first.kill();

    await send(5, 5);
    const second = await learner.start(
      "keepLedger",
      [server.connection("reader 2"), "ams", ledger(), stop.signal],
      { name: "keepLedger" },
    );
    running = second;
    await until("the second reader to ask for scans", () => reading("reader 2") || second.settled);
    await send(6, 8);
    // Behind scan 8 nothing comes: what is missing then does not come any more.
    const complete = () => book.length >= 8 || book.some(({ sequence }) => sequence === sequenceOf.get(8));
    await entries("scans 1 to 8 to be in the book", "reader 2", () => complete() || second.settled);
    if (second.error) await second.result();
    // Whatever it has begun by now is in the book, too. Whether it can be told to stop is another check's business.
    await second.answers(2);
    await second.kill();
    const own = new Set(sequenceOf.values());
    const others = book.filter(({ sequence }) => !own.has(sequence)).length;
    if (others > 0) {
      fail(
        `The ledger is that of depot ams. Of the ${book.length} lines in the book, ${others} are not scans of parcel.ams.*, or have a number that is not theirs in the stream. There are scans on parcel.rtm.* and on parcel.ams2.*, too.`,
        {
          readme: "the-idea",
          evidence: book
            .slice(0, 4)
            .map(
              ({ no, sequence }) =>
                `scan ${no}, entered with the number ${sequence}${own.has(sequence) ? "" : ", which no scan of ams has"}`,
            ),
        },
      );
    }
    const inBook = book.map(({ no }) => no);
    if (inBook.join() !== "1,2,3,4,5,6,7,8") {
      const customs =
        inBook.join() === "1,2,3,4,6,7,8" ? " Scan 5 is on the subject parcel.ams.customs." : "";
      fail(
        `Scans 1 to 8 should be in the book, each once and in order. In the book are ${inBook.join(", ") || "none"}.${customs}`,
        { readme: "the-idea", evidence: [...consumerLines(server, "reader 2"), ...seen()] },
      );
    }
    const wrong = book.find(({ no, sequence }) => sequence !== sequenceOf.get(no));
    if (wrong) {
      fail(
        `Scan ${wrong.no} was entered with the number ${wrong.sequence}. In the stream it has the sequence ${sequenceOf.get(wrong.no)}.`,
        { readme: "the-idea" },
      );
    }
  },
);

check(
  "told to stop, the ledger finishes its entry and makes no other",
  {
    beliefs: {
      "the-loop-sees-stop": {
        belief: "A loop that waits for the next message sees the signal, too.",
        readme: "a-loop-that-waits-sees-the-signal",
        hint: "When is the next time that a line in your loop is run? What happens when no scan comes? Who could end the loop from outside?",
      },
      "stop-empties-the-loop": {
        belief: "When the reading is stopped, my loop gets nothing more.",
        readme: "a-stopped-loop-is-empty",
        hint: "Which scans does your program have with it, while it makes a slow entry? What does the loop do with them when the reading has been stopped?",
      },
      "listening-is-enough": {
        belief: "Whoever listens for the stop hears it.",
        readme: "who-listens-hears-every-stop",
        hint: "From when on does your program listen? Who tells it of a stop that came before?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const manager = await server.manager();
    await manager.streams.add(scansStream);
    const js = await server.jetstream();
    const send = async (from: number, to: number, depot = "ams") => {
      for (const scan of scans(from, to)) await js.publish(`parcel.${depot}.in`, JSON.stringify(scan));
    };
    const slow = gate();
    const entering: number[] = [];
    const enter = hook<[Scan, number], Promise<void>>(async ({ no }) => {
      entering.push(no);
      if (no === 2) await slow.wait();
    });
    /** Waits for a reader that asks for scans, or never will. */
    const begins = async (client: string, reader: LearnerProgram<unknown>) => {
      const none = lasting(700, () => refusedConsumer(server, client) !== undefined);
      await until(
        "the reader to ask for scans",
        () => asksForScans(server, client) || reader.settled || none(),
      );
    };
    /** `until` for a reader to enter a scan; says sooner what is known when none comes. */
    const entered = async (
      no: number,
      client: string,
      reader: LearnerProgram<unknown>,
      list: number[],
      depot = "ams",
    ) => {
      const nothing = lasting(nothingMoreMs, () => true);
      const none = lasting(700, () => refusedConsumer(server, client) !== undefined);
      await until(
        `scan ${no} to be entered`,
        () => list.includes(no) || reader.settled || nothing() || none(),
      );
      if (list.includes(no)) return;
      if (reader.settled) {
        await reader.result();
        fail("`keepLedger` returned, though nobody had told it to stop.");
      }
      const refused = refusedConsumer(server, client);
      fail(
        refused
          ? `${refusedInWords(refused)} \`keepLedger\` did not throw, and entered nothing.`
          : `Scan ${no} is in the stream, on parcel.${depot}.in, and \`depot\` is "${depot}". It was not entered within ${nothingMoreMs / 1_000} seconds.`,
        {
          readme: refused ? "a-refused-consumer-is-an-error" : "the-idea",
          evidence: [...consumerLines(server, client), ...(refused ? [] : deliveredTo(server, client))],
        },
      );
    };

    /** A reader that had not returned when there was nothing to do; one more scan was sent to see what it waits for. */
    let waits:
      | {
          reader: LearnerProgram<unknown>;
          client: string;
          told: string;
          list: number[];
          had: number;
          next: number;
        }
      | undefined;
    believes("the-loop-sees-stop", {
      when: () =>
        waits !== undefined &&
        (waits.list.length > waits.had || (waits.reader.settled && waits.reader.error === undefined)),
      message: () =>
        `The program was told to stop ${waits?.told}. It did not return: ${(waits?.had ?? 0) > 2 ? "it entered the scans that it had fetched, and then waited" : "it waited"} for the next scan. After more than two seconds the check sent one, ${
          (waits?.list.length ?? 0) > (waits?.had ?? 0)
            ? "and the program entered it. Nothing ends its loop."
            : "and only then the program returned. Nothing had ended its loop."
        } While a loop waits, none of its lines is run.`,
      evidence: () => {
        const { list = [], had = 0, next } = waits ?? {};
        const entries = (numbers: readonly number[]) =>
          numbers.map((no) => `scan ${no}`).join(", ") || "nothing";
        return [
          `entered before the stop  ${entries(list.slice(0, had))}`,
          `sent after the stop      scan ${next}`,
          `entered after the stop   ${entries(list.slice(had))}`,
        ];
      },
      wire: () => [
        ...server.wire.of("program", { what: "told to stop" }).slice(-1),
        ...server.wire.deliveries({ client: waits?.client ?? "" }).slice(-1),
      ],
    });
    /** Its request for scans stays open for longer than anybody waits: no answer wakes it soon. */
    const waitsForLong = (client: string) =>
      (server.wire.pulls({ client }).at(-1)?.expiresMs ?? Number.POSITIVE_INFINITY) > 5_000;
    const done = async (
      reader: LearnerProgram<unknown>,
      client: string,
      told: string,
      list: number[],
      next: number,
      depot = "ams",
    ) => {
      let count = -1;
      const still = lasting(2_000, () => {
        const same = list.length === count;
        count = list.length;
        return same;
      });
      await until("`keepLedger` to be done", () => reader.settled || (still() && waitsForLong(client)));
      if (!reader.settled) {
        waits = { reader, client, told, list, had: list.length, next };
        await send(next, next, depot);
        await until("`keepLedger` to be done", () => reader.settled);
      }
      await reader.result();
    };

    // First: it is told to stop in the middle of an entry, and has others with it.
    // They are there before it reads, so that the client's loop takes scan 2 and those behind it together: these come out of it after
    // a stop. Others that the client has by then do not.
    await send(1, 6);
    const stop = new AbortController();
    const reader = await learner.start("keepLedger", [
      server.connection("reader"),
      "ams",
      { last: hook<[], Promise<number>>(async () => 0), enter },
      stop.signal,
    ]);
    await entered(2, "reader", reader, entering);
    // What it fetches ahead, it has now.
    const ahead = () => server.wire.deliveries({ client: "reader" }).length >= 6;
    const quiet = lasting(400, () => true);
    await until("the scans behind it to be fetched, or not", () => ahead() || quiet());
    // What is on the wire is in the program, too, before it is told to stop.
    await reader.answers(2);
    stop.abort();
    await reader.answers(2);
    const before = entering.length;
    const late = () => entering.slice(before);
    believes("stop-empties-the-loop", {
      when: () => late().length > 0 && reader.settled,
      message: () =>
        `The program was told to stop while it entered scan 2. After that it entered ${late().length} ${late().length === 1 ? "scan" : "scans"} more (${late().join(", ")}), which it had fetched ahead. The client can hold up to a hundred, and each entry takes a while.`,
      evidence: () => [
        `entered before the stop  ${entering.slice(0, before).join(", ")}`,
        `entered after the stop   ${late().join(", ")}`,
      ],
      wire: () => server.wire.by("reader", "delivery"),
    });
    // Until the gate opens, scan 2 is being entered.
    if (reader.settled) {
      await reader.result();
      fail("`keepLedger` returned while scan 2 was still being entered. It should finish this entry first.");
    }
    slow.open();
    await done(reader, "reader", "while it entered scan 2", entering, 7);
    await until("the entries after the stop to be looked at", () => late().length === 0 || reader.settled);
    if (!entering.includes(1)) {
      fail(
        `The book was empty and scan 1 was in the stream, with the sequence 1. The first entry was scan ${entering[0]}: the program passed over scan 1. When \`ledger.last()\` gives 0, the first sequence that the book does not have is 1.`,
        { readme: "i-start-at-the-sequence-that-i-have-saved", evidence: consumerLines(server, "reader") },
      );
    }
    if (entering.join() !== "1,2") {
      fail(
        `When the stop came, scan 2 was being entered. The program had begun the entries of scans ${entering.join(", ")}, and should have begun those of 1 and 2: each waits for the one before.`,
        { readme: "entries-finish-in-the-order-in-which-they-start" },
      );
    }

    // A consumer that outlives the program for long is a memory that the server has for it. One that is deleted may take its time.
    const outlives = async () => {
      for await (const { name, config } of manager.consumers.list("SCANS")) {
        if (config.durable_name !== undefined)
          return { name, setting: `durable_name "${config.durable_name}"` };
        const hours = (config.inactive_threshold ?? 0) / hourNs;
        if (hours > 1) return { name, setting: `an inactive_threshold of ${hours} hours` };
      }
      return undefined;
    };
    let left = await outlives();
    const stays = lasting(1_000, () => left !== undefined);
    await until("the consumer to be deleted, or not", async () => {
      if (left) left = await outlives();
      return left === undefined || stays();
    });
    if (left) {
      fail(
        `\`keepLedger\` was told to stop and has returned, and the server still has its consumer ${left.name}, with ${left.setting}. Only the ledger is to know how far it came; the server is to remember nothing.`,
        { readme: "what-was-delivered-is-done" },
      );
    }

    // Then: it is told to stop while it waits for a scan. It keeps the ledger of another depot.
    const rest = new AbortController();
    const list: number[] = [];
    const enterRest = hook<[Scan, number], Promise<void>>(async ({ no }) => void list.push(no));
    const { last_seq } = (await manager.streams.info("SCANS")).state;
    const waiting = await learner.start("keepLedger", [
      server.connection("reader 2"),
      "rtm",
      { last: hook<[], Promise<number>>(async () => last_seq), enter: enterRest },
      rest.signal,
    ]);
    await begins("reader 2", waiting);
    await send(8, 8, "rtm");
    await entered(8, "reader 2", waiting, list, "rtm");
    await until("the entry to be made", () => enterRest.running === 0);
    await waiting.answers(2);
    rest.abort();
    await done(waiting, "reader 2", "when it had entered all that there was", list, 9, "rtm");

    // Last: one is told to stop before it begins, and one while it sets out.
    const word = server.relay.hold(
      (event) => event.kind === "apiReply" && event.call.startsWith("CONSUMER."),
      { who: "reader 4", what: "the answer about the consumer" },
    );
    const end = (await manager.streams.info("SCANS")).state.last_seq;
    const enterNone = hook<[Scan, number], Promise<void>>(async () => {});
    const soon = new AbortController();
    // Of two depots: no depot has two ledgers.
    const early = async (client: string, depot: string, signal: AbortSignal) => {
      const reader = await learner.start("keepLedger", [
        server.connection(client),
        depot,
        { last: hook<[], Promise<number>>(async () => end), enter: enterNone },
        signal,
      ]);
      const reads = () => soon.signal.aborted && asksForScans(server, client) && !reader.settled;
      return { client, reader, readsOn: lasting(2_000, reads) };
    };
    const third = await early("reader 3", "ams", AbortSignal.abort());
    const fourth = await early("reader 4", "rtm", soon.signal);
    const deaf = () => [third, fourth].find(({ client, readsOn }) => readsOn() && waitsForLong(client));
    believes("listening-is-enough", {
      when: () => deaf() !== undefined,
      message: () =>
        `${deaf() === third ? "`stop` was set before the program began." : "The program was told to stop while it waited for the server's word about its consumer."} It began to read all the same, and waits for the next scan. A stop that has come does not come again: a listener that is added after it hears nothing.`,
      wire: () => [
        ...server.wire.of("program", { what: "told to stop", client: deaf()?.client as string }),
        ...server.wire.by(deaf()?.client ?? "", "api", "pull").slice(-1),
      ],
    });
    await until(
      "the reader to ask for its consumer",
      () => word.events.length > 0 || fourth.reader.settled || asksForScans(server, "reader 4"),
    );
    soon.abort();
    await fourth.reader.answers();
    word.release();
    for (const { reader } of [third, fourth]) await reader.result();
    if (enterNone.calls.length > 0) fail("`keepLedger` was told to stop, and made an entry after that.");
  },
);
