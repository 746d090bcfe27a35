// Lesson 14: a channel that is moved into a stream while it is in use, customs that takes over there, and a depot that leaves the old hub.
import { inspect } from "node:util";
import { AckPolicy, nanos, headers as newHeaders } from "nats";
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
  type Waiting,
  type WireEvent,
  wireLine,
} from "../../checker/kit/index.ts";
import type { Scan } from "./exercise.ts";

const { check } = exercise<typeof import("./exercise.ts")>();

const channel = "scans";
const stream = "SCANS";
const movedSubject = "scans.harbour";
const sequenceHeader = "Channel-Sequence";
const timeHeader = "Channel-Time";
const ackWaitMs = 1_000;
const patienceMs = 500;
/** How long a client that publishes to the channel waits for the ack; in milliseconds. */
const ackTimeout = 500;
const wrongLastSequence = 10071;

/** `P-1` as a scan; its id is `s-1`. */
const scanOf = (parcel: string): Scan => ({ id: parcel.replace("P", "s"), parcel });
/** The scanner of P-4 puts spaces between the fields. It is the same JSON, and other bytes. */
const payloadOf = (parcel: string) =>
  parcel === "P-4" ? '{ "id": "s-4", "parcel": "P-4" }' : JSON.stringify(scanOf(parcel));
const parcelIn = (text = "") => /"parcel": ?"([^"]*)"/.exec(text)?.[1] ?? "";
const inWords = (parcels: readonly unknown[]) => (parcels.length === 0 ? "nothing" : parcels.join(", "));
/** `P-1` to `P-3` */
const numbered = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => `P-${from + i}`);

/** A program that has moved nothing for so long moves nothing any more; in milliseconds. */
const idleMs = 5_000;
/** After a lost answer, a mover that waits no longer than `patienceMs` has tried again within a second; in milliseconds. */
const againMs = 2_500;
type Condition = () => boolean | Promise<boolean>;

/** A message of the stream. */
interface Stored {
  subject: string;
  parcel: string;
  payload: string;
  sequence: string;
  time: string;
}

/** What was given to `clear` must be a scan. */
function expectScans(received: readonly Scan[], fail: Fail): void {
  const isScan = (scan: Scan) => typeof scan?.id === "string" && typeof scan.parcel === "string";
  const other = received.find((each) => !isScan(each));
  if (received.every(isScan)) return;
  const given = inspect(other, { breakLength: Number.POSITIVE_INFINITY, depth: 1 });
  fail(`\`clear\` was given ${given}. It should be given a scan: an object with \`id\` and \`parcel\`.`);
}

interface Stage extends Waiting {
  server: CheckServer;
  fail: Fail;
}

/** Both hubs of a check. The stream remembers message ids for `windowMs`. */
async function hubsOf({ server, until, lasting, fail }: Stage, windowMs = 120_000) {
  const jsm = await server.manager();
  await jsm.streams.add({ name: stream, subjects: ["scans.*"], duplicate_window: nanos(windowMs) });
  const js = await server.jetstream();

  const stored = async (): Promise<Stored[]> => {
    const { state } = await jsm.streams.info(stream);
    const found: Stored[] = [];
    for (let seq = 1; seq <= state.last_seq; seq++) {
      const message = await jsm.streams.getMessage(stream, { seq });
      found.push({
        subject: message.subject,
        parcel: parcelIn(message.string()),
        payload: message.string(),
        sequence: message.header.get(sequenceHeader),
        time: message.header.get(timeHeader),
      });
    }
    return found;
  };
  const copies = async () => (await stored()).filter(({ subject }) => subject === movedSubject);
  const line = async () => [`in the stream   ${inWords((await copies()).map(({ parcel }) => parcel))}`];

  /** Each copy has the payload of a message of the channel. */
  const havePayloads = async () => {
    const found = await copies();
    if (found.some(({ parcel, payload }) => payload !== payloadOf(parcel)))
      fail("A copy should have the same payload as the message in the channel, byte for byte.", {
        evidence: found.map(({ payload }) => `payload  ${payload}`),
      });
  };

  /** Why nothing goes on, as far as it can be seen on the line. */
  const standstill = async (client: string) => {
    const subscription = asked(server, client).find(({ text }) => !text?.includes('"last received"'));
    const waitS = Number(/"ack_wait_s":(\d+)/.exec(subscription?.text ?? "")?.[1]);
    const answer = server.wire.pubAcks({ client }).at(-1);
    const publish = server.wire.publishes(({ client: by = "" }) => by.startsWith("mover")).at(-1);
    await havePayloads();
    if (!subscription)
      return fail("The mover has no subscription to the channel.", { evidence: await line() });
    if (waitS !== ackWaitMs / 1_000)
      return fail(
        `The mover subscribed with an ack wait of ${waitS} s. It should be \`ackWaitMs\`, which is ${ackWaitMs / 1_000} s: what is lost on the line comes again only after ${waitS} s.`,
        { evidence: [settingLine(subscription, "ack_wait_s"), ...(await line())] },
      );
    if (publish && publish.of !== "channel" && publish.subject !== movedSubject)
      return fail(`The mover publishes to ${publish.subject}. A copy is to go to ${movedSubject}.`, {
        evidence: [wireLine(publish)],
      });
    if (answer?.errCode === wrongLastSequence)
      return fail(
        `The stream refuses each copy that the mover sends: the last message is another one than the mover names.`,
        {
          evidence: [...server.wire.publishes({ client }).slice(-1), answer].map((event) => wireLine(event)),
        },
      );
    return fail("Nothing was stored for a long time, and the move is not at its end.", {
      evidence: await line(),
    });
  };

  /** Waits while movers move. One that returns too soon, or does nothing for a long time, has failed. */
  const waits = async (what: string, programs: LearnerProgram<number>[], condition: Condition) => {
    let before = -1;
    const idle = lasting(idleMs, () => {
      const onTheWay = server.wire.of("publish").filter((event) => isCopy(event) && event.kept !== undefined);
      const now = server.wire.pubAcks(({ ok, subject }) => ok && subject === movedSubject).length;
      const same = now + onTheWay.length === before;
      before = now + onTheWay.length;
      return same;
    });
    await until(what, async () => {
      if (await condition()) return true;
      for (const program of programs)
        if (program.settled) {
          await program.result();
          fail(
            `\`${program.name}\` returned before it was told that nobody publishes to the channel any more.`,
          );
        }
      if (idle()) await standstill(programs.length > 1 ? "mover-2" : "mover");
      return false;
    });
  };

  return {
    stored,
    line,
    /** Others report these parcels to the channel; resolves when all are stored. */
    reported: (...parcels: string[]) => server.streaming.publish(channel, ...parcels.map(payloadOf)),
    /** A depot that has left the old hub. */
    direct: (parcel: string) => js.publish("scans.ams", payloadOf(parcel), { msgID: scanOf(parcel).id }),
    /** A copy, as a mover makes it. */
    copied: (parcel: string, sequence: number) => {
      const headers = newHeaders();
      headers.set(sequenceHeader, String(sequence));
      headers.set(timeHeader, new Date().toISOString());
      return js.publish(movedSubject, payloadOf(parcel), { headers });
    },
    waits,
    /** So many copies are in the stream. */
    moved: (count: number, ...programs: LearnerProgram<number>[]) =>
      waits(`${count} messages of the channel to be in the stream`, programs, async () => {
        return (await copies()).length >= count;
      }),
    /** The end of a move: what the function returns, and what the stream has. */
    ends: async (program: LearnerProgram<number>, parcels: readonly string[], first = 1) => {
      const late = lasting(idleMs, () => true);
      await until(`\`${program.name}\` to be done`, async () => {
        if (!program.settled && late()) {
          if ((await copies()).length < parcels.length) await standstill("mover");
          fail(
            "Nobody publishes to the channel any more, and all that is in it is moved. `moveChannel` has not returned.",
            { evidence: await line() },
          );
        }
        return program.settled;
      });
      const end = await program.result();
      const found = await copies();
      const seen = found.map(({ parcel }) => parcel);
      const evidence = [`in the channel  ${inWords(parcels)}`, ...(await line())];
      await havePayloads();
      if (seen.join() !== parcels.join())
        fail("The stream should have each message of the channel once, in the order of the channel.", {
          evidence,
        });
      const wanted = parcels.map((_, i) => String(i + first));
      const headers = found.map(({ sequence }) => sequence);
      if (headers.join() !== wanted.join())
        fail(
          `The header ${sequenceHeader} of the copies should be ${inWords(wanted)}. It is ${inWords(headers.map((header) => header || "not there"))}.`,
        );
      const last = first + parcels.length - 1;
      if (end !== last)
        fail(
          `The last message of the channel has the sequence ${last}. \`moveChannel\` returned ${String(end)}.`,
        );
      program.leavesConnectionOpen();
    },
    /** The stream has forgotten all message ids of what it stored before. */
    windowOver: async () => {
      let forgotten = 0;
      await until("the stream to forget the ids of the last move", async () => {
        const { duplicate } = await js.publish("scans.window", "", { msgID: "window" });
        forgotten += duplicate ? 0 : 1;
        return forgotten > 1;
      });
    },
    /** A program has ended its subscriptions. */
    left: (client: string) => {
      const stays = lasting(2_000, () => true);
      return until(`the subscription of ${client} to end`, async () => {
        const { subscriptions = [] } = (await server.streaming.channel(channel)) ?? {};
        const isThere = subscriptions.some((each) => each.client_id === client && !each.is_offline);
        if (isThere && stays())
          fail(
            "`moveChannel` has returned, and its subscription is still there: the old hub goes on sending to it.",
          );
        return !isThere;
      });
    },
  };
}

/** What a client of the old hub said of its subscription, when it asked for it. */
const asked = (server: CheckServer, client: string) =>
  server.wire.of("api", { client }).filter(({ call }) => call === "subscribe");

const isCopy = (event: WireEvent): event is EventOf<"publish"> =>
  event.kind === "publish" && event.subject === movedSubject;
/** What was sent to the stream as a copy of this parcel. */
const sent = (server: CheckServer, parcel: string) =>
  server.wire.publishes((event) => isCopy(event) && parcelIn(event.text) === parcel);
/** The answers of the stream that say that it has stored a copy of this parcel. */
const storedAs = (server: CheckServer, parcel: string) =>
  server.wire.pubAcks(
    ({ ok, duplicate, subject, text }) =>
      ok && !duplicate && subject === movedSubject && parcelIn(text) === parcel,
  );
/** The acks for the old hub of a message of the channel. */
const acksOf = (server: CheckServer, seq: number) => server.wire.acks({ of: "channel", streamSeq: seq });
const deliveriesOf = (server: CheckServer, seq: number) =>
  server.wire.deliveries({ of: "channel", streamSeq: seq });

check(
  "what is in the channel is moved, and what still comes",
  {
    streaming: { maxMsgs: 5 },
    budgetMs: 20_000,
    beliefs: {
      "a-bridge-takes-what-comes": {
        belief: "A mover subscribes to the channel and passes on what comes.",
        readme: "a-mover-passes-on-what-comes",
        hint: "What does a subscription get that says nothing about its start? When were the first five scans reported?",
      },
      "equal-scans-are-one-message": {
        belief: "Two messages with the same content are the same message.",
        readme: "the-same-content-is-the-same-message",
        hint: "Which two messages of the channel does the stream take for one? What do they have that is different?",
      },
      "the-move-makes-the-time": {
        belief: "The time of a message is when it was stored.",
        readme: "the-stream-has-the-time",
        hint: "When was the scan made, and when was the copy? Which of them does the channel know?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const hubs = await hubsOf({ server, until, lasting, fail });
    const parcels = ["P-1", "P-2", "P-2", "P-3", "P-4"];
    // The channel keeps five: it begins with 2 now.
    await hubs.reported("P-0", ...parcels);
    const reportedAt = Date.now();
    const gone = new AbortController();
    const ignores = lasting(
      1_000,
      () => asked(server, "mover").length > 0 && deliveriesOf(server, 2).length === 0,
    );
    believes("a-bridge-takes-what-comes", {
      when: () => asked(server, "mover").every(({ text }) => text?.includes('"new only"')) && ignores(),
      message:
        "Five scans were in the channel when the mover subscribed, and it got none of them. A subscription begins with what is new, unless it is told where to begin.",
      evidence: () =>
        asked(server, "mover")
          .slice(-1)
          .map((event) => settingLine(event, "start")),
    });
    const dropped = () =>
      server.wire.pubAcks(({ subject, duplicate }) => subject === movedSubject && duplicate);
    believes("equal-scans-are-one-message", {
      when: () =>
        dropped().some(({ msgId }) => {
          const same = sent(server, "P-2").filter((event) => event.msgId === msgId);
          return new Set(same.map(({ headers }) => headers?.[sequenceHeader])).size > 1;
        }),
      message:
        "P-2 was reported twice, and the channel has both messages, as 3 and 4. The mover sent them with the same message id. For the stream they are one message, and it dropped the second one. A mover moves messages, and does not judge what is in them.",
      wire: () => [...sent(server, "P-2"), ...dropped()],
    });
    const late = async () => (await hubs.stored()).filter(({ time }) => Date.parse(time) > reportedAt + 20);
    believes("the-move-makes-the-time", {
      when: async () => startedAt > 0 && (await late()).some(({ parcel }) => parcel === "P-1"),
      message:
        "P-1 was reported before the mover was started. Its copy says that it was reported after that. The stream gives each copy the time of the move; the time of the scan is in the channel only, and is gone with it.",
      evidence: async () => [
        `reported to the channel  ${new Date(reportedAt).toISOString()}`,
        `${timeHeader} of the copy  ${(await hubs.stored())[0]?.time}`,
      ],
      wire: () => sent(server, "P-1").slice(0, 1),
    });
    let startedAt = 0;
    const passes = lasting(100, () => true);
    await until("some time to pass before the move", passes);
    const moving = await learner.start("moveChannel", [
      server.streaming.connection("mover"),
      server.connection("mover"),
      gone.signal,
    ]);
    startedAt = Date.now();
    await hubs.moved(5, moving);
    await hubs.reported("P-5");
    await hubs.moved(6, moving);
    gone.abort();
    await hubs.ends(moving, [...parcels, "P-5"], 2);
    for (const { time } of (await hubs.stored()).slice(0, 5))
      if (!/^\d{4}-\d\d-\d\dT/.test(time) || !(Date.parse(time) <= reportedAt + 20))
        fail(
          `The header ${timeHeader} should have the time at which the message came into the channel, like ${new Date(reportedAt).toISOString()}. It is ${time || "not there"}.`,
        );
    await hubs.left("mover");
  },
);

check(
  "a mover that is killed half-way loses nothing and doubles nothing",
  {
    streaming: true,
    budgetMs: 20_000,
    beliefs: {
      "acked-is-moved": {
        belief: "I have the message, so the old hub can forget it.",
        readme: "i-have-it-so-i-ack-it",
        hint: "In which order do the ack for the channel and the answer of the stream come? Who has the message in between, if your program dies?",
      },
      "the-durable-knows-what-is-moved": {
        belief: "The durable knows how far the move is.",
        readme: "the-durable-knows-how-far-i-am",
        hint: "What is in the stream, and what does the durable know of it, if the program dies between the stream's answer and the ack? Whom can the next one ask?",
      },
      "a-new-run-has-new-ids": {
        belief: "A message id must be unique, so I make a new one.",
        readme: "each-run-makes-its-ids",
        hint: "Which id did the killed mover give to this message, and which one did the next mover? From what can both make the same id?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const hubs = await hubsOf({ server, until, lasting, fail });
    await hubs.reported("P-1", "P-2", "P-3");
    const gone = new AbortController();
    let killed = 0;
    /** The old hub does not send it to the next mover. */
    const isForgotten = lasting(
      1_000,
      () =>
        acksOf(server, 2).some(({ index }) => index < killed) &&
        storedAs(server, "P-2").length === 0 &&
        asked(server, "mover").some(({ index }) => index > killed),
    );
    believes("acked-is-moved", {
      when: () => isForgotten(),
      message:
        "P-2 was on its way to the stream, and had not arrived. Its message in the channel was acked all the same. Then the mover was killed. For the old hub P-2 is done, and the stream does not have it.",
      evidence: hubs.line,
      wire: () => [...deliveriesOf(server, 2).slice(0, 1), ...acksOf(server, 2), ...sent(server, "P-2")],
    });
    const twice = () => numbered(1, 4).find((parcel) => storedAs(server, parcel).length > 1) ?? "";
    const ids = () => new Set(storedAs(server, twice()).map(({ msgId }) => msgId));
    believes("a-new-run-has-new-ids", {
      when: () => twice() === "P-3" && !ids().has(undefined) && ids().size > 1,
      message: () =>
        `${twice()} was stored, and the mover was killed before it knew. The next one sent it again, with another message id. For the stream, two ids are two messages.`,
      evidence: hubs.line,
      wire: () => storedAs(server, twice()).flatMap((event) => [...sent(server, twice()), event]),
    });
    believes("the-durable-knows-what-is-moved", {
      when: () => twice() === "P-3",
      message: () =>
        `${twice()} was stored, and the mover was killed before it had acked its message. The old hub sent it to the next mover, and that one stored it a second time. Acks tell the old hub what it need not send again. What the stream has, only the stream knows.`,
      evidence: hubs.line,
      wire: () => [...deliveriesOf(server, 3), ...storedAs(server, twice())],
    });
    const start = () =>
      learner.start("moveChannel", [
        server.streaming.connection("mover"),
        server.connection("mover"),
        gone.signal,
      ]);

    const onTheWay = server.relay.hold((event) => isCopy(event) && parcelIn(event.text) === "P-2", {
      who: "mover",
      what: "the copy of P-2",
    });
    const first = await start();
    await hubs.waits("the copy of P-2 to be on its way", [first], () => onTheWay.events.length > 0);
    // An ack that is too soon is on its way by now.
    await first.answers(2);
    await first.kill();
    killed = server.wire.mark();
    onTheWay.drop();

    const answer = server.relay.hold(
      (event) => event.kind === "puback" && event.subject === movedSubject && parcelIn(event.text) === "P-3",
      { who: "mover", what: "the answer for P-3" },
    );
    const second = await start();
    await hubs.waits("P-3 to be stored", [second], () => answer.events.length > 0);
    await second.answers(2);
    await second.kill();
    answer.drop();

    await hubs.reported("P-4");
    const third = await start();
    await hubs.moved(4, third);
    gone.abort();
    await hubs.ends(third, numbered(1, 4));
  },
);

check(
  "a mover that comes back after the duplicate window doubles nothing",
  {
    streaming: true,
    budgetMs: 20_000,
    beliefs: {
      "a-stream-knows-all-ids": {
        belief: "With message ids a message is stored once, whenever it is sent again.",
        readme: "message-ids-are-enough",
        hint: "For how long does the stream remember an id? What else in the stream tells which message of the channel was the last one?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const windowMs = 200;
    const hubs = await hubsOf({ server, until, lasting, fail }, windowMs);
    await hubs.reported("P-1", "P-2");
    const gone = new AbortController();
    const twice = () => numbered(1, 3).find((parcel) => storedAs(server, parcel).length > 1) ?? "";
    believes("a-stream-knows-all-ids", {
      when: () => {
        const ids = storedAs(server, twice()).map(({ msgId }) => msgId);
        return ids.length > 1 && ids[0] !== undefined && new Set(ids).size === 1;
      },
      message: () =>
        `${twice()} was stored, and the mover was killed. When it came back, the duplicate window of the stream was over. It sent ${twice()} with the same message id, and the stream did not know the id any more.`,
      evidence: hubs.line,
      wire: () => storedAs(server, twice()),
    });
    const start = () =>
      learner.start("moveChannel", [
        server.streaming.connection("mover"),
        server.connection("mover"),
        gone.signal,
      ]);
    const answer = server.relay.hold(
      (event) => event.kind === "puback" && event.subject === movedSubject && parcelIn(event.text) === "P-2",
      { who: "mover", what: "the answer for P-2" },
    );
    const first = await start();
    await hubs.waits("P-2 to be stored", [first], () => answer.events.length > 0);
    await first.answers(2);
    await first.kill();
    answer.drop();
    await hubs.windowOver();
    await hubs.reported("P-3");
    const second = await start();
    await hubs.moved(3, second);
    await second.answers();
    gone.abort();
    await hubs.ends(second, numbered(1, 3));
  },
);

check(
  "an answer that does not come costs no message, and makes none",
  {
    streaming: true,
    budgetMs: 25_000,
    beliefs: {
      "no-answer-so-the-next": {
        belief: "One message that cannot be stored must not hold up the others.",
        readme: "one-message-must-not-hold-up-the-others",
        hint: "What does the ack of a message say to the old hub, and who has a message whose copy was lost on the line?",
      },
      "refused-is-moved": {
        belief: "Wrong last sequence means that this message is moved already.",
        readme: "a-refusal-means-that-it-is-moved",
        hint: "With which number does the stream compare, and where does your mover have its own from? What has changed in the stream since then?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const hubs = await hubsOf({ server, until, lasting, fail });
    await hubs.reported("P-1", "P-2", "P-3");
    const gone = new AbortController();
    // Whoever acks early may still send it again.
    const staysRefused = lasting(500, () => refusedAndAcked() !== undefined);
    const isLost = (parcel: string) =>
      [
        ...sent(server, parcel),
        ...server.wire.pubAcks(({ subject, text }) => subject === movedSubject && parcelIn(text) === parcel),
      ].filter(({ kept }) => kept === "dropped");
    const lost = () => [...isLost("P-2"), ...isLost("P-4")];
    believes("refused-is-moved", {
      when: () => staysRefused(),
      message: () =>
        `The answer for P-2 was lost, and P-2 was stored. The mover did not know under which sequence. So for ${refusedAndAcked()?.parcel} it named an older one, the stream refused, and the mover took it for moved. It is acked, and the stream does not have it.`,
      evidence: hubs.line,
      wire: () => {
        const { answer, parcel = "", seq = 0 } = refusedAndAcked() ?? {};
        return [
          ...lost().slice(0, 1),
          ...sent(server, parcel).slice(0, 1),
          ...(answer ? [answer] : []),
          ...acksOf(server, seq),
        ];
      },
    });
    const refusedAndAcked = () =>
      server.wire
        .pubAcks(({ subject, errCode }) => subject === movedSubject && errCode === wrongLastSequence)
        .map((answer) => ({
          answer,
          parcel: parcelIn(answer.text),
          seq: Number(parcelIn(answer.text).slice(2)),
        }))
        .find(({ parcel, seq }) => storedAs(server, parcel).length === 0 && acksOf(server, seq).length > 0);
    /** Nothing more of this kind has been seen for so long. */
    const noMore = (ms: number, seen: () => number, since: () => boolean = () => true) => {
      let before = -1;
      return lasting(ms, () => {
        const same = seen() === before;
        before = seen();
        return since() && same;
      });
    };
    const sentAgain = () => sent(server, "P-4").length;
    const isSkipped = noMore(
      againMs,
      sentAgain,
      () =>
        isLost("P-4").some(isCopy) && storedAs(server, "P-4").length === 0 && acksOf(server, 4).length > 0,
    );
    believes("no-answer-so-the-next", {
      when: () => isSkipped(),
      message:
        "The copy of P-4 was lost on its way to the stream. The mover had no answer, and does not try any more. The message is acked. So the old hub does not send it again, and the stream does not have it.",
      evidence: hubs.line,
      wire: () => [...sent(server, "P-4"), ...acksOf(server, 4)],
    });
    /** After a loss, the mover does this so many times. */
    const goesOn = (loss: string, what: string, times: number, seen: () => number) => {
      const stands = noMore(againMs + 1_000, seen);
      return until(`the mover to ${what}`, async () => {
        if (seen() >= times) return true;
        if (moving.settled) await moving.result();
        if (stands())
          fail(
            `${loss} was lost on the line. For ${againMs / 1_000 + 1} seconds the mover did not ${what}. It should wait for an answer no longer than \`patienceMs\`, which is ${patienceMs} ms, and try again within a second.`,
            { evidence: [...lost().map((event) => wireLine(event)), ...(await hubs.line())] },
          );
        return false;
      });
    };
    server.relay.hold(
      (event) => event.kind === "puback" && event.subject === movedSubject && parcelIn(event.text) === "P-2",
      { who: "mover", what: "the answer for P-2", mode: "drop", limit: 1 },
    );
    const losesCopies = (parcel: string, limit: number) =>
      server.relay.hold((event) => isCopy(event) && parcelIn(event.text) === parcel, {
        who: "mover",
        what: `the copy of ${parcel}`,
        mode: "drop",
        limit,
      });
    const losses = 4;
    losesCopies("P-4", losses);
    const lastCopy = losesCopies("P-5", 1);
    const moving = await learner.start("moveChannel", [
      server.streaming.connection("mover"),
      server.connection("mover", { reconnectTimeWait: 100 }),
      gone.signal,
    ]);
    await hubs.waits("the answer for P-2 to be lost", [moving], () => isLost("P-2").length > 0);
    const { index: lostAt = 0 } = isLost("P-2")[0] ?? {};
    await goesOn("The answer for P-2", "ask the stream, or send it a copy", 1, () => {
      const isLater = ({ index, of }: WireEvent) => index > lostAt && of !== "channel";
      const [asks, copies] = [
        server.wire.of("api", { client: "mover" }),
        server.wire.of("publish").filter(isCopy),
      ];
      return [...asks, ...copies].filter(isLater).length;
    });
    await hubs.moved(3, moving);
    await hubs.reported("P-4");
    await goesOn("The copy of P-4", "send it again", losses + 1, sentAgain);
    await hubs.moved(4, moving);
    await hubs.reported("P-5");
    await hubs.waits("the copy of P-5 to be on its way", [moving], () => lastCopy.events.length > 0);
    // The power goes, in the hub and in the old one.
    await server.kill();
    await server.restart();
    await server.streaming.kill();
    await server.streaming.restart();
    await hubs.moved(5, moving);
    await hubs.reported("P-6");
    await hubs.moved(6, moving);
    gone.abort();
    await hubs.ends(moving, numbered(1, 6));
  },
);

check(
  "the stream has the order of the channel, whatever the line loses",
  {
    streaming: true,
    budgetMs: 20_000,
    beliefs: {
      "what-comes-next-is-next": {
        belief: "Messages come in the order of the channel, so I store them as they come.",
        readme: "i-store-them-as-they-come",
        hint: "What does the old hub send while it waits for the ack of a message that was lost? How many may be on their way, so that nothing can overtake?",
      },
      "higher-means-all-before": {
        belief: "When the stream has a higher sequence, it has all before it, too.",
        readme: "a-higher-sequence-means-all-before-it",
        hint: "Which message came to your mover after a higher one, and what did it do with it? Was that message ever moved?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const hubs = await hubsOf({ server, until, lasting, fail });
    await hubs.reported(...numbered(1, 6));
    const gone = new AbortController();
    const [third, fourth] = ["P-3", "P-4"] as const;
    believes("higher-means-all-before", {
      when: () =>
        storedAs(server, fourth).length > 0 &&
        sent(server, third).length === 0 &&
        acksOf(server, 3).length > 0,
      message:
        "P-3 was lost on the line, and the next ones came first. When the old hub sent P-3 again, the mover had moved a higher sequence, and took P-3 for moved. It is acked, and the stream does not have it.",
      evidence: async () => [
        ...asked(server, "mover")
          .slice(0, 1)
          .map((event) => settingLine(event, "max_in_flight")),
        ...(await hubs.line()),
      ],
      wire: () => [...deliveriesOf(server, 3), ...deliveriesOf(server, 4).slice(0, 1), ...acksOf(server, 3)],
    });
    believes("what-comes-next-is-next", {
      when: () => {
        const [late] = storedAs(server, third);
        const [early] = storedAs(server, fourth);
        return late !== undefined && early !== undefined && early.index < late.index;
      },
      message:
        "P-3 was lost on the line. The old hub went on with the next ones, and sent P-3 again after the ack wait. The mover stored them as they came. Now the stream has P-3 behind P-4, for ever.",
      evidence: async () => [
        ...asked(server, "mover")
          .slice(0, 1)
          .map((event) => settingLine(event, "max_in_flight")),
        ...(await hubs.line()),
      ],
      wire: () => [
        ...deliveriesOf(server, 3),
        ...storedAs(server, fourth).slice(0, 1),
        ...storedAs(server, third).slice(0, 1),
      ],
    });
    server.relay.hold(
      (event) => event.kind === "delivery" && event.of === "channel" && event.streamSeq === 3,
      {
        who: "mover",
        limit: 1,
        mode: "drop",
        what: "P-3",
      },
    );
    const moving = await learner.start("moveChannel", [
      server.streaming.connection("mover"),
      server.connection("mover"),
      gone.signal,
    ]);
    await hubs.moved(6, moving);
    gone.abort();
    await hubs.ends(moving, numbered(1, 6));
  },
);

check(
  "two movers at once move it once",
  {
    streaming: true,
    budgetMs: 20_000,
    beliefs: {
      "i-am-the-only-mover": {
        belief: "I looked at the end of the stream, so I know what comes next in it.",
        readme: "i-looked-so-i-know",
        hint: "What can happen in the stream between your look and your write? Who can look and write in one step?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const hubs = await hubsOf({ server, until, lasting, fail }, 200);
    const parcels = numbered(1, 8);
    await hubs.reported(...numbered(1, 6));
    const gone = new AbortController();
    const movers = ["mover", "mover-2"];
    const twice = () => parcels.find((parcel) => storedAs(server, parcel).length > 1) ?? "";
    const looked = (client: string) => {
      const first = sent(server, twice()).find((event) => event.client === client);
      return server.wire
        .of("api", { client })
        .some(({ call, index }) => /^(STREAM\.MSG|DIRECT)\.GET/.test(call) && index < (first?.index ?? 0));
    };
    const isUnguarded = ({ msgId, headers = {} }: EventOf<"publish">) =>
      msgId === undefined && !Object.keys(headers).some((name) => /^nats-expected-/i.test(name));
    believes("i-am-the-only-mover", {
      when: () => twice() !== "" && movers.every(looked) && sent(server, twice()).every(isUnguarded),
      message: () =>
        `Both movers looked for the last copy in the stream, and saw the same. Then both of them stored ${twice()}. Between a look and a write others can write.`,
      evidence: hubs.line,
      wire: () => [...sent(server, twice()).slice(0, 2), ...storedAs(server, twice())],
    });
    const programs: LearnerProgram<number>[] = [];
    const begin = movers.map((client) =>
      server.relay.hold((event) => isCopy(event), { who: client, what: `the first copy of ${client}` }),
    );
    for (const client of movers)
      programs.push(
        await learner.start(
          "moveChannel",
          [server.streaming.connection(client), server.connection(client), gone.signal],
          { name: client },
        ),
      );
    await hubs.waits("both movers to begin", programs, () => begin.every(({ events }) => events.length > 0));
    const [first, second] = begin;
    first?.release();
    await hubs.moved(6, ...programs);
    // What the second one has on its way comes when the stream has forgotten the message ids.
    await hubs.windowOver();
    second?.release();
    await hubs.reported("P-7", "P-8");
    await hubs.moved(8, ...programs);
    const [once, again] = storedAs(server, twice());
    if (once?.msgId !== undefined && once.msgId === again?.msgId)
      fail(
        `${twice()} was stored twice, with the same message id. When the second copy came, the duplicate window of the stream was over.`,
        { evidence: [wireLine(once), wireLine(again), ...(await hubs.line())] },
      );
    gone.abort();
    for (const program of programs) await hubs.ends(program, parcels);
  },
);

check(
  "the old hub may be switched off when the move has ended",
  {
    streaming: true,
    budgetMs: 25_000,
    beliefs: {
      "a-stop-is-the-end": {
        belief: "When nobody publishes any more, the move is over.",
        readme: "nobody-publishes-so-it-is-over",
        hint: "Which messages are in the channel at this moment, and which of them are in the stream? How can you know the sequence of the last one?",
      },
      "quiet-is-empty": {
        belief: "When nothing comes any more, everything is moved.",
        readme: "nothing-comes-so-it-is-empty",
        hint: "For how long can a message that was lost on the line be away? Who knows the sequence of the last message in the channel?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const hubs = await hubsOf({ server, until, lasting, fail });
    await hubs.reported("P-1", "P-2", "P-3");
    let gone = new AbortController();
    let moving: LearnerProgram<number> | undefined;
    /** The end comes while the line is whole. */
    let whole = true;
    const left = (from: number, to: number) =>
      moving?.settled === true &&
      gone.signal.aborted &&
      numbered(from, to).some((parcel) => storedAs(server, parcel).length === 0);
    /** It knows how far the channel went, then or earlier. */
    const hasAsked = () => asked(server, "mover").some(({ text }) => text?.includes('"last received"'));
    believes("a-stop-is-the-end", {
      when: () => whole && left(1, 3),
      message:
        "Nobody publishes to the channel any more, and `moveChannel` returned at once. The channel has messages that are not in the stream. Who switches the old hub off now loses them.",
      evidence: async () => ["in the channel  P-1, P-2, P-3", ...(await hubs.line())],
      wire: () => [
        ...server.wire.of("program").filter(({ what }) => what === "told to stop"),
        ...sent(server, "P-2").slice(-1),
      ],
    });
    believes("quiet-is-empty", {
      when: () => !whole && left(4, 4) && left(5, 5) && !hasAsked(),
      message:
        "P-4 was lost on the line. For a moment nothing came, and `moveChannel` returned. The old hub would have sent P-4 again after the ack wait. It is still in the channel, and not in the stream.",
      evidence: async () => [`in the channel  ${inWords(numbered(1, 5))}`, ...(await hubs.line())],
      wire: () => [...deliveriesOf(server, 4), ...deliveriesOf(server, 5)],
    });
    const start = () =>
      learner.start("moveChannel", [
        server.streaming.connection("mover"),
        server.connection("mover"),
        gone.signal,
      ]);
    const onTheWay = server.relay.hold((event) => isCopy(event) && parcelIn(event.text) === "P-2", {
      who: "mover",
      limit: 1,
      what: "the copy of P-2",
    });
    moving = await start();
    await hubs.waits("the copy of P-2 to be on its way", [moving], () => onTheWay.events.length > 0);
    gone.abort();
    await moving.answers(2);
    onTheWay.release();
    await hubs.ends(moving, numbered(1, 3));
    await hubs.left("mover");
    await moving.kill();

    whole = false;
    const before = asked(server, "mover").length;
    gone = new AbortController();
    server.relay.hold(
      (event) => event.kind === "delivery" && event.of === "channel" && event.streamSeq === 4,
      {
        who: "mover",
        limit: 1,
        mode: "drop",
        what: "P-4",
      },
    );
    moving = await start();
    await hubs.waits("the next mover to take part", [moving], () => asked(server, "mover").length > before);
    await hubs.reported("P-4", "P-5");
    await hubs.waits("P-4 to be lost on the line", [moving], () => deliveriesOf(server, 4).length > 0);
    gone.abort();
    await hubs.ends(moving, numbered(1, 5));
    await hubs.left("mover");
    await moving.kill();

    // One more is started when the move has ended.
    moving = await start();
    const hangs = lasting(idleMs, () => true);
    await until("`moveChannel` to return", () => {
      if (!moving?.settled && hangs())
        fail(
          "`moveChannel` was called when `gone` was aborted already, and has not returned. A signal emits `abort` only once: look at `gone.aborted` first.",
        );
      return moving?.settled;
    });
    await hubs.ends(moving, numbered(1, 5));
    await hubs.left("mover");
  },
);

check(
  "customs goes on in the stream where it was on the channel",
  {
    budgetMs: 20_000,
    beliefs: {
      "sequences-move-along": {
        belief: "A message has the same sequence in the stream as in the channel.",
        readme: "the-sequences-are-the-same",
        hint: "The stream counts what was stored in it. Which sequence has the copy of the message that was the first one in the channel?",
      },
      "a-new-consumer-has-all-to-do": {
        belief: "A new consumer begins with the first message, and that is where the work begins.",
        readme: "customs-begins-at-the-beginning",
        hint: "Which messages did customs clear before they were copied? What on a copy tells it?",
      },
      "begins-behind-the-copy": {
        belief: "What stands before the last message that I cleared is done.",
        readme: "what-stands-before-it-is-done",
        hint: "Who else writes to the stream? When were these messages in the channel?",
      },
      "no-header-is-no-number": {
        belief: "A header that is not there is no number.",
        readme: "a-header-that-is-not-there",
        hint: "What does `headers.get` return for a header that is not there? And what does `Number` make of it?",
      },
      "cleared-stays-my-place": {
        belief: "The place is given to me, so I need no other.",
        readme: "the-place-was-given-to-me",
        hint: "What has customs cleared since it works on the stream? Who knows that after a crash?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const hubs = await hubsOf({ server, until, lasting, fail });
    await hubs.copied("P-4", 4);
    await hubs.direct("P-21");
    await hubs.copied("P-5", 5);
    await hubs.copied("P-6", 6);
    await hubs.direct("P-22");
    const cleared = 5;
    const has = "in the stream  P-4 (4 of the channel), P-21, P-5 (5), P-6 (6), P-22";
    const stop = new AbortController();
    const clear = hook(async (scan: Scan) => {
      if (scan.parcel === "P-22") await hang();
    });
    const lastOne = gate();
    const again = hook(async (scan: Scan) => {
      if (scan.parcel === "P-8") await lastOne.wait();
    });
    const rest = hook(async (_: Scan) => {});
    const parcelsOf = ({ received }: { received: readonly Scan[] }) => received.map((scan) => scan?.parcel);
    const firstOnes = () => parcelsOf(clear);
    const later = () => parcelsOf(again);
    const evidence = () => [has, `cleared        ${inWords(firstOnes())}`];
    const created = () =>
      server.wire
        .of("api", { client: "customs" })
        .filter(({ call }) => /^CONSUMER\.(DURABLE\.)?CREATE/.test(call));
    const setting = (name: string) =>
      created()
        .slice(-1)
        .map((event) => settingLine(event, name));
    const says = (text: string) => created().some((event) => event.text?.includes(text));
    /** Acked, and not cleared, when a later one is. */
    const passedOver = (parcel: string, ...later: string[]) =>
      !firstOnes().includes(parcel) &&
      later.some((each) => firstOnes().includes(each)) &&
      server.wire.acks(({ client, text }) => client === "customs" && parcelIn(text) === parcel).length > 0;
    const delivered = (parcel: string) =>
      server.wire.deliveries(({ client, text }) => client === "customs" && parcelIn(text) === parcel);

    /** The consumers that were made: one is enough for both runs. */
    const places = () => new Set(created().map(({ about }) => about[1]));
    const startsLater = () => says('"deliver_policy":"by_start_');
    const leftBehind = lasting(500, () => firstOnes().includes("P-6") && delivered("P-21").length === 0);
    const nothing = lasting(1_000, () => created().length > 0 && clear.calls.length === 0);
    believes("sequences-move-along", {
      when: () =>
        (says(`"opt_start_seq":${cleared + 1}`) && (nothing() || firstOnes().length > 0)) ||
        passedOver("P-6", "P-22"),
      message:
        "On the channel customs has cleared everything up to 5, so 6 is next: P-6. In the stream P-6 has the sequence 4, and customs passed over it. The stream counts what it stores. The sequence in the channel is in the header.",
      evidence: () => [...(says("opt_start_seq") ? setting("opt_start_seq") : []), ...evidence()],
      wire: () => [...(says("opt_start_seq") ? [] : created().slice(-1)), ...delivered("P-6").slice(0, 1)],
    });
    believes("a-new-consumer-has-all-to-do", {
      when: () => firstOnes().includes("P-4"),
      message: () =>
        `Customs has cleared every message of the channel up to 5. It cleared ${inWords(firstOnes().filter((parcel) => /P-[45]$/.test(parcel)))} again.`,
      evidence,
      wire: () => [...delivered("P-4").slice(0, 1), ...delivered("P-5").slice(0, 1)],
    });
    believes("no-header-is-no-number", {
      when: () => passedOver("P-21", "P-6", "P-22"),
      message:
        'P-21 is no copy: a depot that has left the old hub has published it to the stream. It came to customs, and was acked without being cleared. It has no header with a sequence; for that `headers.get` returns an empty string, and `Number("")` is 0.',
      evidence,
      wire: () => [
        ...delivered("P-21").slice(0, 1),
        ...server.wire
          .acks(({ client, text }) => client === "customs" && parcelIn(text) === "P-21")
          .slice(0, 1),
      ],
    });
    believes("begins-behind-the-copy", {
      when: () => leftBehind() && startsLater(),
      message:
        "Customs began behind the copy of 5, the last one that it cleared. Before this copy stands P-21: a depot that has left the old hub has published it to the stream. It was never in the channel, and nobody clears it now.",
      evidence: () => [...(says("opt_start_seq") ? setting("opt_start_seq") : []), ...evidence()],
      wire: () => [...(says("opt_start_seq") ? [] : created().slice(-1)), ...delivered("P-6").slice(0, 1)],
    });
    believes("cleared-stays-my-place", {
      when: () => places().size !== 1 && (later().includes("P-21") || later().includes("P-6")),
      message: () =>
        `Customs cleared P-21 and P-6, and was killed. Started again, it cleared ${inWords(later().filter((parcel) => /P-(21|6)$/.test(parcel)))} a second time. \`cleared\` tells what was done on the channel. What is done since then, the server has to know.`,
      evidence: () => [has, `cleared first  ${inWords(firstOnes())}`, `then           ${inWords(later())}`],
      wire: () => created(),
    });

    /** What is cleared should be these, each once; the last one may be at work. */
    const clears = (program: LearnerProgram<void>, seen: () => string[], wanted: string[], when: string) => {
      const late = lasting(6_000, () => true);
      return until(`${inWords(wanted)} to be cleared`, async () => {
        if (program.settled) await program.result();
        expectScans([...clear.received, ...again.received, ...rest.received], fail);
        const wrong = seen().some((parcel, i) => !wanted.includes(parcel) || seen().indexOf(parcel) < i);
        if (wrong || program.settled || late())
          fail(`${when} customs should clear ${inWords(wanted)}, each once. It cleared ${inWords(seen())}.`, {
            evidence: [
              has,
              ...["deliver_policy", "filter_subject"].filter(says).flatMap((name) => setting(name)),
            ],
          });
        return seen().length === wanted.length;
      });
    };
    const jsm = await server.manager();
    /** The place that the server keeps; undefined when it keeps none under this name. */
    const place = () => jsm.consumers.info(stream, "customs").catch(() => undefined);
    /** All up to this one are acked, and no more. */
    const acked = async (seq: number, what: string, atWork?: string) => {
      const late = lasting(2_000, () => true);
      await until(`${what} to be acked`, async () => {
        const floor = (await place())?.ack_floor.stream_seq ?? seq;
        if (atWork && floor > seq)
          fail(
            `\`clear\` is at work on ${atWork}, and ${atWork} is acked already. When the program is killed now, nobody clears it.`,
          );
        if (late())
          fail(
            `Customs has cleared ${what}, and the ack has not come to the server. What is not acked comes again when the program is started again.`,
          );
        return floor >= seq;
      });
    };
    const hasSettings = async () => {
      const { config } = (await place()) ?? {};
      if (config?.ack_policy === AckPolicy.None)
        fail(
          "The consumer `customs` has the ack policy `none`: what the server has sent is done for it. When the program is killed while it clears a scan, nobody clears that scan.",
        );
      if (config && config.ack_wait !== nanos(ackWaitMs))
        fail(
          `The consumer \`customs\` has an ack wait of ${(config.ack_wait ?? 0) / 1e9} s. It should be \`ackWaitMs\`, which is ${ackWaitMs / 1_000} s: the scan that was at work when the program was killed comes again only then.`,
          { evidence: setting("ack_wait") },
        );
    };
    const first = await learner.start("takeOver", [
      server.connection("customs"),
      cleared,
      clear,
      stop.signal,
    ]);
    await clears(first, firstOnes, ["P-21", "P-6", "P-22"], "In the stream");
    if (clear.peak > 1) fail("`clear` was called while it was still at work on the scan before.");
    await first.answers(2);
    await hasSettings();
    await acked(4, "P-21 and P-6", "P-22");
    await first.kill();
    await hubs.copied("P-7", 7);
    const second = await learner.start("takeOver", [
      server.connection("customs"),
      cleared,
      again,
      stop.signal,
    ]);
    await clears(second, later, ["P-22", "P-7"], "After the crash");
    for (const no of [8, 9, 10]) await hubs.copied(`P-${no}`, no);
    await clears(second, later, ["P-22", "P-7", "P-8"], "After the crash");
    await second.answers();
    stop.abort();
    await second.answers(2);
    if (second.settled) {
      await second.result();
      fail("`takeOver` was told to stop, and returned while `clear` was still at work on P-8.");
    }
    lastOne.open();
    await second.result();
    if (later().length > 3)
      fail(
        "`takeOver` was told to stop while `clear` was at work on P-8. After that it began one more scan.",
        {
          evidence: [`cleared  ${inWords(later())}`],
        },
      );
    await acked(7, "everything up to P-8");
    if (!(await place()))
      fail(
        `The server should keep the place of customs under the durable name \`customs\`. It keeps it under ${inWords([...places()])}.`,
        { evidence: created().map((event) => wireLine(event)) },
      );
    second.leavesConnectionOpen();
    await second.kill();

    // One more is stopped while it has nothing to do.
    const end = new AbortController();
    const third = await learner.start("takeOver", [server.connection("customs"), cleared, rest, end.signal]);
    await clears(third, () => parcelsOf(rest), ["P-9", "P-10"], "After the stop");
    await acked(9, "P-9 and P-10");
    end.abort();
    await third.result();
  },
);

check(
  "no scan of a depot that leaves overtakes another",
  {
    streaming: true,
    budgetMs: 20_000,
    beliefs: {
      "both-ways-are-safe": {
        belief: "For the time of the move I publish to both, to be safe.",
        readme: "i-publish-to-both-to-be-safe",
        hint: "Who else brings what is in the channel into the stream? How often is such a scan there then?",
      },
      "in-the-channel-is-enough": {
        belief: "When the old hub has confirmed the last one, the depot can begin in the stream.",
        readme: "confirmed-so-i-can-begin",
        hint: "Where are the last scans of the depot at this moment, for somebody who reads the stream? How can the depot see that they are there?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const hubs = await hubsOf({ server, until, lasting, fail });
    await hubs.reported("P-9");
    await hubs.copied("P-9", 1);
    const toStream = (parcel: string) =>
      server.wire
        .publishes({ client: "depot" })
        .filter((event) => event.of !== "channel" && parcelIn(event.text) === parcel);
    let moved = false;
    const looks = () =>
      server.wire.of("api", { client: "depot" }).filter(({ of, call, index }) => {
        const [early] = toStream("P-3");
        return of !== "channel" && !/^(INFO|STREAM\.NAMES)$/.test(call) && index < (early?.index ?? 0);
      });
    believes("both-ways-are-safe", {
      when: () => toStream("P-1").length > 0 || toStream("P-2").length > 0,
      message:
        "The depot published a scan of its last ones to the stream, too. The mover brings it there from the channel. So it is in the stream twice: the two have nothing in common by which the stream could know it.",
      wire: () =>
        server.wire.publishes(
          ({ client, text }) =>
            client === "depot" && parcelIn(text) === (toStream("P-1").length > 0 ? "P-1" : "P-2"),
        ),
    });
    believes("in-the-channel-is-enough", {
      when: () => !moved && toStream("P-3").length > 0 && looks().length === 0,
      message:
        "P-1 and P-2 are in the channel, and not yet in the stream: the mover is slow. The depot has published P-3 to the stream. Who reads the stream sees P-3 before P-2.",
      evidence: async () => [`in the stream  ${inWords((await hubs.stored()).map(({ parcel }) => parcel))}`],
      wire: () => [
        ...server.wire.pubAcks(({ client, of, ok }) => client === "depot" && of === "channel" && ok),
        ...toStream("P-3").slice(0, 1),
      ],
    });
    const loses = (kind: "publish" | "puback", way: "channel" | "stream", parcel: string, what: string) =>
      server.relay.hold(
        (event) =>
          event.kind === kind &&
          (event.of === "channel") === (way === "channel") &&
          parcelIn(event.text) === parcel,
        { who: "depot", what, mode: "drop", limit: 1 },
      );
    loses("publish", "channel", "P-1", "P-1, on its way to the old hub");
    loses("puback", "channel", "P-2", "the old hub's answer for P-2");
    loses("publish", "stream", "P-3", "P-3, on its way to the stream");
    loses("puback", "stream", "P-4", "the stream's answer for P-4");
    const leaving = await learner.start("leaveHub", [
      server.streaming.connection("depot", { ackTimeout }),
      server.connection("depot"),
      "ams",
      [scanOf("P-1"), scanOf("P-2")],
      [scanOf("P-3"), scanOf("P-4")],
    ]);
    const confirmed = (parcel: string) =>
      server.wire.pubAcks(
        ({ client, of, ok, kept, text }) =>
          client === "depot" && of === "channel" && ok && kept !== "dropped" && parcelIn(text) === parcel,
      ).length > 0;
    let tries = -1;
    const givenUp = lasting(3_000, () => {
      const now = server.wire.publishes({ client: "depot", of: "channel" }).length;
      const same = now === tries;
      tries = now;
      return same;
    });
    await until("P-1 and P-2 to be in the channel", async () => {
      if (confirmed("P-1") && confirmed("P-2")) return true;
      if (leaving.settled) await leaving.result();
      if (leaving.settled || givenUp())
        fail("The depot should report P-1 and P-2 to the channel, until the old hub has confirmed both.");
      return false;
    });
    const inChannel = (await server.streaming.read(channel)).map(parcelIn);
    const [, ...reported] = inChannel;
    // How often each is there tells nothing: on a slow machine the client gives up waiting for an answer that still comes.
    if (reported.join() !== [...reported].sort().join())
      fail("The channel should have P-1 before P-2. (The first try for P-1 was lost on the line.)", {
        evidence: [`in the channel  ${inWords(reported)}`],
      });
    // The mover takes its time.
    for (const [i, parcel] of inChannel.entries()) {
      if (i === 0) continue;
      const slow = lasting(parcel === "P-1" ? 300 : 3_500, () => true);
      await until(`${parcel} to be moved`, async () => {
        if (!moved && leaving.settled) {
          await leaving.result();
          fail("`leaveHub` returned before the last scans of the depot were in the stream.");
        }
        if (!moved && toStream("P-3").length > 0)
          fail("P-2 is not in the stream yet, and the depot has published P-3 to the stream.", {
            evidence: [`in the stream  ${inWords((await hubs.stored()).map(({ parcel }) => parcel))}`],
          });
        return moved || slow();
      });
      if (parcel === "P-2") moved = true;
      await hubs.copied(parcel, i + 1);
    }
    const published = () =>
      server.wire.publishes({ client: "depot" }).filter(({ of }) => of !== "channel").length;
    let before = -1;
    const idle = lasting(idleMs, () => {
      const same = published() === before;
      before = published();
      return same;
    });
    await until("`leaveHub` to be done", async () => {
      if (!leaving.settled && idle())
        fail(
          "All scans of `last` are in the stream. The depot publishes nothing to the stream, and `leaveHub` has not returned.",
          { evidence: [`in the stream  ${inWords((await hubs.stored()).map(({ parcel }) => parcel))}`] },
        );
      return leaving.settled;
    });
    await leaving.result();
    const found = (await hubs.stored()).filter(({ parcel }) => /P-[1-4]$/.test(parcel));
    const seen = found.map(({ parcel }) => parcel);
    const wanted = [...reported, "P-3", "P-4"];
    if (seen.join() !== wanted.join())
      fail(
        "The stream should have the scans of the depot in their order, and those of `first` once. (The first try for P-3 was lost on the line, and so was the answer for P-4.)",
        { evidence: [`in the channel  ${inWords(reported)}`, `in the stream   ${inWords(seen)}`] },
      );
    if (found.some(({ subject, parcel }) => /P-[34]/.test(parcel) && subject !== "scans.ams"))
      fail("The depot should publish its `first` scans to the subject scans.ams.");
    leaving.leavesConnectionOpen();
  },
);
