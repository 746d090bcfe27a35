// Lesson 13: what a durable of NATS Streaming keeps, what is acked and when, what a report is worth, and in which order a board shows.
import {
  type CheckServer,
  exercise,
  type Fail,
  gate,
  hang,
  hook,
  type LearnerProgram,
  settingLine,
  type Until,
} from "../../checker/kit/index.ts";
import type { Scan, Start } from "./exercise.ts";

const { check } = exercise<typeof import("./exercise.ts")>();

const channel = "scans";
/** How long a client that publishes waits for the ack; in milliseconds. */
const ackTimeout = 500;
const tries = 6;

/** `P-1` as a scan; its id is `s-1`. */
const scanOf = (parcel: string): Scan => ({ id: parcel.replace("P", "s"), parcel });

const inWords = (parcels: readonly unknown[]) => (parcels.length === 0 ? "nothing" : parcels.join(", "));

/** The channel of a check. */
function hubOf(server: CheckServer, until: Until, fail: Fail) {
  const { streaming } = server;
  const subscriptions = async () => (await streaming.channel(channel))?.subscriptions ?? [];
  return {
    /** Others report these parcels; resolves when all are stored. */
    reported: (...parcels: string[]) =>
      streaming.publish(channel, ...parcels.map((parcel) => JSON.stringify(scanOf(parcel)))),
    subscriptions,
    /** A program takes part in the channel now. */
    subscribed: (program: LearnerProgram<void>) =>
      until(`a subscription to the channel ${channel}`, async () => {
        if (program.settled) {
          await program.result();
          fail(`\`${program.name}\` returned before it was told to stop.`);
        }
        return (await subscriptions()).some((each) => !each.is_offline);
      }),
    /** All that is in the channel was sent to who takes part in it now, and acked. */
    allAcked: () =>
      until("every message of the channel to be acked", async () => {
        const { last_seq = 0, subscriptions: all = [] } = (await streaming.channel(channel)) ?? {};
        const present = all.filter((each) => !each.is_offline);
        return (
          present.length > 0 &&
          present.every((each) => each.last_sent === last_seq && each.pending_count === 0)
        );
      }),
    /** What the server has of a client: a subscription, or a durable that waits for it. */
    left: async (client: string) => {
      const own = (await subscriptions()).filter((each) => each.client_id === client);
      return own.some((each) => !each.is_offline) ? "subscription" : own[0]?.durable_name && "durable";
    },
  };
}

/** What a client said of its subscription, when it asked for it. */
const asked = (server: CheckServer, client: string) =>
  server.wire.of("api", { client }).filter(({ call }) => call === "subscribe");
/** A setting of the last one, as lines of evidence. */
const setting = (server: CheckServer, client: string, name: string) =>
  asked(server, client)
    .slice(-1)
    .map((event) => settingLine(event, name));

/** A parcel that was cleared and should not have been, or the other way round. */
const expectCleared = (cleared: readonly string[], wanted: readonly string[], what: string, fail: Fail) => {
  if (cleared.toSorted().join() === wanted.toSorted().join()) return;
  fail(`${what} should have cleared ${inWords(wanted)}, each once. It cleared ${inWords(cleared)}.`);
};

const parcelsOf = (scans: readonly Scan[]) => scans.map((scan) => scan?.parcel);

check(
  "customs goes on where it was killed",
  {
    streaming: true,
    budgetMs: 20_000,
    beliefs: {
      "auto-ack-waits-for-my-work": {
        belief: "The client acks when my work is done.",
        readme: "the-client-acks-when-my-work-is-done",
        hint: "When does the client send the ack of a message? What does it know of a promise that your listener returns?",
      },
      "redelivered-was-done": {
        belief: "A message that is marked as redelivered was worked on before.",
        readme: "redelivered-means-done-before",
        hint: "What did the program before you do with the message that is marked? Who could have told the server that it was done?",
      },
      "a-channel-remembers-me": {
        belief: "The server knows my client id, so it remembers how far I came.",
        readme: "the-server-remembers-me-without-a-name",
        hint: "Which subscription can a new one continue? What must the server have been told, so that it keeps one whose client is gone?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const hub = hubOf(server, until, fail);
    const stop = new AbortController();
    const clear = hook(async (scan: Scan) => {
      if (scan.parcel === "P-2") await hang();
    });
    const again = hook(async (_: Scan) => {});
    const started = () => parcelsOf(again.received);
    /** From here on, it is the second program; absent: the first one is still there. */
    let killed: number | undefined;
    const ofSecond = <E extends { index: number }>(events: E[]) =>
      events.filter(({ index }) => killed !== undefined && index > killed);
    const acksOf = (seq: number) => server.wire.acks({ client: "desk", streamSeq: seq });

    believes("auto-ack-waits-for-my-work", {
      when: () => acksOf(2).some(({ index }) => killed === undefined || index < killed),
      message:
        "While P-2 was being cleared, its message was acked. Then the program was killed. For the server P-2 is done, and nobody clears it. Without manual acks, the client acks as soon as the listener has returned; and a listener that awaits something has returned by then.",
      evidence: () => [`cleared  P-1; P-2 was under way`],
      wire: () => [...server.wire.deliveries({ client: "desk", streamSeq: 2 }).slice(0, 1), ...acksOf(2)],
    });
    believes("redelivered-was-done", {
      when: () => ofSecond(acksOf(2)).length > 0 && !started().includes("P-2"),
      message:
        "P-2 came to the second program, marked as redelivered. It was acked, and not cleared. The mark says that the server has sent it before; the program that got it died in the middle of the work.",
      wire: () => [
        ...ofSecond(server.wire.deliveries({ client: "desk", streamSeq: 2 })).slice(0, 1),
        ...ofSecond(acksOf(2)),
      ],
    });
    const misses = lasting(2_500, () => started().length === 0);
    believes("a-channel-remembers-me", {
      when: () =>
        ofSecond(asked(server, "desk")).some(({ text }) => !text?.includes('"durable_name"')) &&
        (started().includes("P-1") || misses()),
      message: () =>
        `After the crash the program subscribed again, with the same client id, and ${started().includes("P-1") ? "P-1, which was cleared and acked, was cleared again" : "what was reported meanwhile did not come"}. A subscription without a durable name ends with its client, and the next one begins anew.`,
      evidence: () => setting(server, "desk", "durable_name"),
      wire: () => ofSecond(server.wire.deliveries({ client: "desk" })).slice(0, 1),
    });

    const first = await learner.start("clearScans", [
      server.streaming.connection("desk"),
      clear,
      stop.signal,
    ]);
    await hub.subscribed(first);
    await hub.reported("P-1");
    await hub.allAcked();
    await hub.reported("P-2");
    await until("P-2 to be under way", () => clear.received.some(({ parcel }) => parcel === "P-2"));
    // An ack that is too soon is on its way by now.
    await first.answers(2);
    await first.kill();
    killed = server.seen((wire) => wire.mark(), 0);
    await hub.reported("P-3");
    const second = await learner.start("clearScans", [
      server.streaming.connection("desk"),
      again,
      stop.signal,
    ]);
    await hub.subscribed(second);
    await until("P-2 and P-3 to be cleared", () => started().includes("P-2") && started().includes("P-3"));
    await hub.allAcked();
    stop.abort();
    await second.result();
    expectCleared(started(), ["P-2", "P-3"], "After the crash, `clearScans`", fail);
  },
);

check(
  "customs is busy with three scans, and never with more",
  {
    streaming: true,
    budgetMs: 20_000,
    beliefs: {
      "a-durable-begins-at-the-beginning": {
        belief: "A durable begins with what is there.",
        readme: "a-durable-begins-at-the-beginning",
        hint: "Which messages does a subscription get when you say nothing about its start? When were these seven reported?",
      },
      "the-hub-knows-what-i-can-do": {
        belief: "The server sends me a message when I am free.",
        readme: "the-server-sends-what-i-can-do",
        hint: "How does the server know how much you can do at once? How many messages without an ack does it send you if you say nothing?",
      },
      "one-in-flight-is-safe": {
        belief: "With acks, only one message can be under way at a time.",
        readme: "one-at-a-time-to-be-safe",
        hint: "How many scans can customs clear at once, and for how many does your program let the server send?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const hub = hubOf(server, until, fail);
    const parcels = ["P-1", "P-2", "P-3", "P-4", "P-5", "P-6", "P-7"];
    await hub.reported(...parcels);
    const stop = new AbortController();
    const doors = gate();
    const busy = new Set<string>();
    let peak = 0;
    const clear = hook(async (scan: Scan) => {
      busy.add(scan.parcel);
      peak = Math.max(peak, busy.size);
      await doors.wait();
      busy.delete(scan.parcel);
    });
    const inFlight = () =>
      Number(/"max_in_flight":(\d+)/.exec(asked(server, "desk").at(-1)?.text ?? "")?.[1] ?? 0);
    const gotNothing = lasting(
      2_500,
      () => asked(server, "desk").length > 0 && server.wire.deliveries({ client: "desk" }).length === 0,
    );
    believes("a-durable-begins-at-the-beginning", {
      when: () => gotNothing(),
      message:
        "Seven scans were in the channel before customs subscribed for the first time, and none of them came. A subscription begins with what is new, unless it is told where to begin; a durable does, too.",
      evidence: () => setting(server, "desk", "start"),
      wire: () => asked(server, "desk").slice(-1),
    });
    believes("the-hub-knows-what-i-can-do", {
      when: () => peak > 3 && inFlight() > 3 && server.wire.acks({ client: "desk" }).length === 0,
      message: () =>
        `Customs can clear three scans at once, and was given ${busy.size}. The server does not see what a program is busy with. It sends on until so many messages are without an ack as the subscription allows.`,
      evidence: () => setting(server, "desk", "max_in_flight"),
      wire: () => server.wire.deliveries({ client: "desk" }).slice(0, 5),
    });
    const idles = lasting(1_500, () => busy.size > 0 && busy.size < 3);
    believes("one-in-flight-is-safe", {
      when: () => idles() && inFlight() < 3,
      message: () =>
        `Customs can clear three scans at once, and seven are waiting. It was busy with ${busy.size}: the server sends no more messages without an ack than the subscription allows.`,
      evidence: () => setting(server, "desk", "max_in_flight"),
      wire: () => server.wire.deliveries({ client: "desk", deliveryCount: 1 }),
    });
    const idlesAnyhow = lasting(3_000, () => busy.size > 0 && busy.size < 3);
    const clearing = await learner.start("clearScans", [
      server.streaming.connection("desk"),
      clear,
      stop.signal,
    ]);
    await hub.subscribed(clearing);
    await until("three scans to be under way", () => {
      if (peak > 3)
        fail(`Customs can clear three scans at once. \`clear\` was called for ${busy.size} at once.`);
      if (idlesAnyhow())
        fail(`Seven scans are waiting, and customs can clear three at once. It is busy with ${busy.size}.`);
      return busy.size === 3;
    });
    const steady = lasting(400, () => busy.size === 3);
    await until("customs to be busy for a while", () => peak > 3 || steady());
    doors.open();
    await until("all seven scans to be cleared", () => {
      if (peak > 3) fail(`Customs can clear three scans at once. \`clear\` was called for ${peak} at once.`);
      return parcels.every((parcel) => clear.received.some((scan) => scan?.parcel === parcel));
    });
    await hub.allAcked();
    stop.abort();
    await clearing.result();
    if (peak > 3) fail(`Customs can clear three scans at once. \`clear\` was called for ${peak} at once.`);
    expectCleared(parcelsOf(clear.received), parcels, "`clearScans`", fail);
  },
);

check(
  "a scan that could not be cleared comes again",
  {
    streaming: true,
    budgetMs: 20_000,
    beliefs: {
      "acks-what-failed": {
        belief: "An ack says that I am done with a message, whether it worked or not.",
        readme: "an-ack-ends-it",
        hint: "What does the server do with a message once it is acked? What should happen to the scan that customs could not clear?",
      },
      "seen-is-cleared": {
        belief: "A message that I have seen before can be acked when it comes again.",
        readme: "redelivered-means-done-before",
        hint: "When does your program write down that it knows a scan: when it comes, or when it is cleared? What happens in between?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const hub = hubOf(server, until, fail);
    const stop = new AbortController();
    const search = gate();
    const clear = hook(async (scan: Scan) => {
      if (scan.parcel !== "P-1" || times("P-1") > 1) return;
      await search.wait();
      throw new Error("The papers of P-1 are not there yet.");
    });
    const times = (parcel: string) => clear.received.filter((scan) => scan?.parcel === parcel).length;
    const deliveries = () => server.wire.deliveries({ client: "desk", streamSeq: 1 });
    const acks = () => server.wire.acks({ client: "desk", streamSeq: 1 });
    const redelivered = () =>
      deliveries().some(
        ({ index }) => index < (acks()[0]?.index ?? 0) && index > (deliveries()[0]?.index ?? 0),
      );
    /** It was acked before `clear` was done with it. */
    let early = false;
    believes("acks-what-failed", {
      when: () => !early && times("P-1") === 1 && clear.running === 0 && !redelivered() && acks().length > 0,
      message:
        "The papers of P-1 were not there, and `clear` rejected. The message was acked all the same. For the server an ack ends it: P-1 does not come again, and lies at customs for ever.",
      wire: () => [...deliveries(), ...acks()],
    });
    believes("seen-is-cleared", {
      when: () => !early && times("P-1") === 1 && redelivered() && acks().length > 0,
      message:
        "`clear` rejected for P-1, and the server sent it again after the ack wait. Then it was acked, and not cleared: the program had seen it before. It had seen it fail.",
      wire: () => [...deliveries(), ...acks()],
    });
    const clearing = await learner.start("clearScans", [
      server.streaming.connection("desk"),
      clear,
      stop.signal,
    ]);
    await hub.subscribed(clearing);
    await hub.reported("P-1", "P-2");
    await until("P-1 and P-2 to be under way", () => times("P-1") > 0 && times("P-2") > 0);
    await clearing.answers(2);
    early = server.seen(() => acks().length > 0, false);
    search.open();
    const given = lasting(early ? 1_000 : 6_000, () => times("P-1") === 1 && clear.running === 0);
    await until("P-1 to be cleared when it comes again", () => {
      if (given())
        fail(
          early
            ? "P-1 was acked while `clear` was at work on it. Then `clear` rejected. P-1 does not come again."
            : "`clear` rejected for P-1. It was not called for P-1 again.",
        );
      return times("P-1") > 1 && times("P-2") > 0;
    });
    await hub.allAcked();
    stop.abort();
    await clearing.result();
    expectCleared(
      parcelsOf(clear.received),
      ["P-1", "P-1", "P-2"],
      "`clearScans`, with two tries for P-1,",
      fail,
    );
  },
);

check(
  "a scan that takes long is not begun twice",
  {
    streaming: true,
    budgetMs: 20_000,
    beliefs: {
      "the-hub-sees-that-i-work": {
        belief: "While I work on a message, the server does not send it again.",
        readme: "the-server-sees-that-i-work",
        hint: "What does the server know of a message between sending it and its ack? For how long does it wait?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const hub = hubOf(server, until, fail);
    const stop = new AbortController();
    const papers = gate();
    const clear = hook(async (scan: Scan) => {
      if (scan.parcel === "P-1") await papers.wait();
    });
    const begun = () => clear.received.filter((scan) => scan?.parcel === "P-1").length;
    const deliveries = () => server.wire.deliveries({ client: "desk", streamSeq: 1 });
    believes("the-hub-sees-that-i-work", {
      when: () => begun() > 1,
      message:
        "P-1 took longer than the ack wait, and the server sent it again. It was begun a second time, while `clear` was still at work on it. The server knows only that no ack has come. NATS Streaming has no way to tell it more.",
      evidence: () => [...setting(server, "desk", "ack_wait_s"), `begun  P-1, ${begun()} times`],
      wire: () => deliveries().slice(0, 2),
    });
    const clearing = await learner.start("clearScans", [
      server.streaming.connection("desk"),
      clear,
      stop.signal,
    ]);
    await hub.subscribed(clearing);
    await hub.reported("P-1");
    const never = lasting(6_000, () => begun() === 1 && deliveries().length === 1);
    await until("P-1 to come again after the ack wait", () => {
      if (deliveries().length === 1 && server.wire.acks({ client: "desk", streamSeq: 1 }).length > 0)
        fail("P-1 was acked while `clear` was still at work on it.");
      if (never())
        fail(
          "No ack came for a long time, and the server has not sent P-1 again. The ack wait should be `ackWaitMs`.",
        );
      return deliveries().length > 1;
    });
    await clearing.answers(2);
    if (server.wire.acks({ client: "desk", streamSeq: 1 }).length > 0)
      fail("P-1 came again, and was acked while `clear` was still at work on it.");
    papers.open();
    await hub.allAcked();
    stop.abort();
    await clearing.result();
    expectCleared(parcelsOf(clear.received), ["P-1"], "`clearScans`", fail);
  },
);

check(
  "a stop loses neither work nor place",
  {
    streaming: true,
    budgetMs: 20_000,
    beliefs: {
      "unsubscribe-is-a-tidy-close": {
        belief: "Who is orderly unsubscribes at the end.",
        readme: "unsubscribe-is-the-tidy-way-to-end",
        hint: "There are two ways to end a subscription. Which one does the server take for “I come back”?",
      },
      "a-closed-subscription-can-ack": {
        belief: "First I end the subscription, then I finish my work in peace.",
        readme: "first-close-then-finish",
        hint: "What does `ack` do when its subscription is closed? In which order do you finish, ack and close?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const hub = hubOf(server, until, fail);
    const stop = new AbortController();
    const papers = gate();
    const clear = hook(async (scan: Scan) => {
      if (scan.parcel === "P-2") await papers.wait();
    });
    const again = hook(async (_: Scan) => {});
    const later = () => parcelsOf(again.received);
    const ends = (call: string) => server.wire.of("apiReply", { client: "desk", call, ok: true });
    /** What the next program has acked: when it has done everything once more, that is four. */
    const next = () =>
      server.wire.acks(
        ({ client, index }) => client === "desk" && index > (asked(server, "desk")[1]?.index ?? index),
      );
    believes("unsubscribe-is-a-tidy-close", {
      when: () =>
        ends("unsubscribe").length > 0 && ((later().includes("P-1") && next().length > 3) || misses()),
      message: () =>
        `After the stop the program unsubscribed. With that the server forgets a durable and its place. ${later().includes("P-1") ? "The next one began with the first message again, and P-1 was cleared once more." : "What was reported until the next one came is lost."}`,
      wire: () => [
        ...ends("unsubscribe").slice(0, 1),
        ...asked(server, "desk").slice(-1),
        ...server.wire.deliveries({ client: "desk", streamSeq: 1 }).slice(-1),
      ],
    });
    const misses = lasting(2_500, () => again.calls.length === 0 && asked(server, "desk").length > 1);
    believes("a-closed-subscription-can-ack", {
      when: () =>
        later().includes("P-2") &&
        ends("close").length > 0 &&
        server.wire.acks(({ client, streamSeq, index }) => {
          const closed = ends("close")[0]?.index ?? 0;
          return client === "desk" && streamSeq === 2 && index < closed;
        }).length === 0,
      message:
        "The subscription was closed while P-2 was under way. When P-2 was cleared, its `ack` did nothing: the client sends none for a subscription that is closed, and says nothing about that. So P-2 came to the next program, and was cleared a second time.",
      wire: () => [
        ...server.wire.deliveries({ client: "desk", streamSeq: 2 }).slice(0, 1),
        ...ends("close").slice(0, 1),
        ...server.wire.deliveries({ client: "desk", streamSeq: 2 }).slice(-1),
      ],
    });
    const first = await learner.start("clearScans", [
      server.streaming.connection("desk"),
      clear,
      stop.signal,
    ]);
    await hub.subscribed(first);
    await hub.reported("P-1");
    await hub.allAcked();
    await hub.reported("P-2");
    await until("P-2 to be under way", () => clear.received.some((scan) => scan?.parcel === "P-2"));
    stop.abort();
    // Both the stop and what is reported after it are with the program before P-2 is cleared.
    await first.answers();
    await hub.reported("P-3");
    await first.answers(2);
    if (first.settled) fail("`clearScans` returned while `clear` was still at work on P-2.");
    papers.open();
    await first.result();
    expectCleared(parcelsOf(clear.received), ["P-1", "P-2"], "Until the stop, `clearScans`", fail);
    const stays = lasting(2_000, () => true);
    await until("the subscription to end", async () => {
      if (stays())
        fail(
          "`clearScans` has returned, and its subscription is still there: the server goes on sending to it.",
        );
      return (await hub.subscriptions()).every((each) => each.is_offline);
    });
    await first.kill();
    await hub.reported("P-4");
    const stopAgain = new AbortController();
    const second = await learner.start("clearScans", [
      server.streaming.connection("desk"),
      again,
      stopAgain.signal,
    ]);
    await hub.subscribed(second);
    const lacking = lasting(5_000, () => later().length > 0);
    await until("P-3 and P-4 to be cleared", () => {
      if (lacking())
        fail(
          `P-3 came after the stop, and P-4 later. The next program cleared ${inWords(later())} of these.`,
        );
      return later().includes("P-3") && later().includes("P-4");
    });
    await hub.allAcked();
    stopAgain.abort();
    await second.result();
    expectCleared(later(), ["P-3", "P-4"], "The program after it", fail);
  },
);

check(
  "a report is done when the server has it",
  {
    streaming: true,
    budgetMs: 25_000,
    beliefs: {
      "sent-is-stored": {
        belief: "`publish` has returned an id, so the message is stored.",
        readme: "publish-has-returned-so-it-is-stored",
        hint: "Who makes the id that `publish` returns, and when? Who is told when the server has stored the message?",
      },
      "the-client-tries-again": {
        belief: "The client sends again what got no answer.",
        readme: "the-client-tries-again-for-me",
        hint: "What does the client tell you when its `ackTimeout` has passed? Who has the message then?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const scan = scanOf("P-2");
    const depot = server.streaming.connection("depot", { ackTimeout });
    const published = () =>
      server.wire.publishes(({ client, text }) => client === "depot" && text?.includes(scan.id) === true);
    const stored = () =>
      server.wire.pubAcks(
        ({ client, ok, text }) => client === "depot" && ok && text?.includes(scan.id) === true,
      );
    let outcome: { error: { message: string } } | { value: unknown } | undefined;
    const rejected = () => (outcome && "error" in outcome ? outcome.error.message : undefined);
    let before = 0;
    const publishesNoMore = lasting(3_000, () => {
      const isQuiet = published().length === before && stored().length === 0;
      before = published().length;
      return isQuiet && before > 0;
    });
    believes("sent-is-stored", {
      when: () => outcome !== undefined && rejected() === undefined && stored().length === 0,
      message:
        "The server is away, and `report` says that the scan is stored. `publish` makes an id by itself and returns at once; nobody has the message then. The server's answer comes to the function that you give to `publish`.",
      wire: () => [...server.wire.of("server"), ...published().slice(0, 1)],
    });
    believes("the-client-tries-again", {
      when: () => stored().length === 0 && (rejected() !== undefined || publishesNoMore()),
      message: () =>
        `The server was away for a moment, and no answer came to the publish. ${rejected() ? `\`report\` rejected: ${rejected()}.` : "`report` publishes no more."} The client tells you once that the answer is missing, and forgets the message. The scan is nowhere.`,
      wire: () => [...server.wire.of("server"), ...published()],
    });
    const reporting = await learner.start("report", [depot, scanOf("P-1")]);
    await reporting.result();
    await server.streaming.kill();
    reporting.attempt<void>("report", [depot, scan]).then(
      (ended) => {
        outcome = ended;
      },
      // What ended the wait for it is told to who waits below.
      () => {},
    );
    // More often than somebody would try who gives up.
    await until(
      `the scan to be published ${tries} times, because no answer came`,
      () => published().length >= tries,
    );
    await server.streaming.restart();
    await until("`report` to be done", () => outcome);
    if (rejected()) fail(`\`report\` rejected: ${rejected()}.`);
    const there = (await server.streaming.read(channel)).map((text) => (JSON.parse(text) as Scan).id);
    if (!there.includes("s-1") || !there.includes("s-2"))
      fail(`\`report\` says that s-1 and s-2 are stored. In the channel is ${inWords(there)}.`);
  },
);

check(
  "a scan that was reported twice is cleared once",
  {
    streaming: true,
    budgetMs: 25_000,
    beliefs: {
      "the-hub-knows-duplicates": {
        belief: "The server, or the client, sees to it that a message is not there twice.",
        readme: "the-server-drops-what-i-send-twice",
        hint: "Which number of the two messages is different, and what in them is the same? Which of the two does your program go by?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const hub = hubOf(server, until, fail);
    const stop = new AbortController();
    const papers = gate();
    const clear = hook(async (scan: Scan) => {
      if (scan.parcel === "P-2") await papers.wait();
    });
    const times = (parcel: string) => clear.received.filter((scan) => scan?.parcel === parcel).length;
    const twice = () => ["P-1", "P-2"].find((parcel) => times(parcel) > 1);
    const deliveries = (parcel = "") =>
      server.wire.deliveries(
        ({ client, text, deliveryCount }) =>
          client === "desk" && deliveryCount === 1 && text?.includes(`"${parcel}"`) === true,
      );
    believes("the-hub-knows-duplicates", {
      when: () => deliveries(twice()).length > 1,
      message: () =>
        `${twice()} is in the channel twice: the answer to its publish was lost, and it was published again. These are two messages, each with a sequence of its own and its own ack. So ${twice()} was cleared twice. NATS Streaming has no message ids.`,
      wire: () => deliveries(twice()),
    });
    const clearing = await learner.start("clearScans", [
      server.streaming.connection("desk"),
      clear,
      stop.signal,
    ]);
    await hub.subscribed(clearing);
    server.relay.hold((event) => event.kind === "puback", {
      who: "depot",
      limit: 1,
      mode: "drop",
      what: "the answer to the publish",
    });
    const reporting = await learner.start("report", [
      server.streaming.connection("depot", { ackTimeout }),
      scanOf("P-1"),
    ]);
    const waits = lasting(4_000, () => !reporting.settled);
    await until("the scan to be reported", () => {
      if (waits()) fail("The answer to the publish was lost. `report` has not published the scan again.");
      return reporting.settled;
    });
    await reporting.result();
    const once = lasting(3_000, () => deliveries("P-1").length < 2);
    await until("both messages to come to customs", () => {
      if (once())
        fail("The answer to the publish was lost. `report` says that the scan is stored; it cannot know.");
      return deliveries("P-1").length > 1;
    });
    await hub.allAcked();
    // One that comes while the first is still under way.
    await hub.reported("P-2");
    await until("P-2 to be under way", () => times("P-2") > 0);
    await hub.reported("P-2");
    await until("P-2 to come a second time", () => deliveries("P-2").length > 1);
    await clearing.answers(2);
    papers.open();
    await hub.allAcked();
    stop.abort();
    await clearing.result();
    expectCleared(parcelsOf(clear.received), ["P-1", "P-2"], "`clearScans`", fail);
  },
);

/** The seven scans that boards begin with. Between the fourth and the fifth passes time enough for a slow machine. */
const gapMs = 1_600;

check(
  "each board begins where it is told",
  {
    streaming: true,
    budgetMs: 25_000,
    beliefs: {
      "start-position-counts-each-time": {
        belief: "A subscription begins where I say, also a durable.",
        readme: "a-start-counts-each-time",
        hint: "What does the server do with the start of a durable that it knows already? Does a board want to go on where another one was?",
      },
      "a-start-sequence-is-what-i-have": {
        belief: "A start sequence is the last message that I have.",
        readme: "a-start-sequence-is-the-last-one-that-i-have",
        hint: "Is the message with this sequence on the board? Which one does `setStartAtSequence` begin with?",
      },
      "a-time-delta-is-a-time": {
        belief: "A time delta is a point in time.",
        readme: "a-time-delta-is-a-time",
        hint: "What does `setStartAtTimeDelta` count from, and in which direction?",
      },
      "the-default-start-is-the-last": {
        belief: "Without a start, a subscription begins with the last message.",
        readme: "without-a-start-the-last-message-comes",
        hint: "Which messages does a subscription get that names no start? Is the last one that is there among them?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const hub = hubOf(server, until, fail);
    await hub.reported("P-1", "P-2", "P-3", "P-4");
    const stored = Date.now();
    await until("some time to pass", () => Date.now() > stored + gapMs);
    await hub.reported("P-5", "P-6", "P-7");

    let board = "";
    let show = hook(async (_: Scan) => {});
    const shown = () => parcelsOf(show.received);
    /** A setting of the board that is looked at. */
    const says = (pattern: RegExp) => pattern.test(asked(server, board).at(-1)?.text ?? "");
    const quiet = lasting(2_500, () => show.calls.length === 0 && asked(server, board).length > 0);
    let wanted: string[] = [];
    /** A board of which a durable is still in the server. */
    let durable: string | undefined;
    const first = () => server.wire.deliveries({ client: board }).slice(0, 1);
    believes("start-position-counts-each-time", {
      when: () =>
        wanted[0] === "P-1" && says(/"durable_name"/) && (quiet() || (shown()[0] ?? "P-1") !== "P-1"),
      message: () =>
        `The second board was to begin with P-1, and ${shown()[0] === undefined ? "shows nothing" : `began with ${shown()[0]}`}. Its subscription is a durable, which the server knows from the first board. Such a one goes on where it was; the start counts only when it is made.`,
      evidence: () => [...setting(server, board, "start"), ...setting(server, board, "durable_name")],
      wire: () => asked(server, board),
    });
    believes("a-start-sequence-is-what-i-have", {
      when: () => wanted[0] === "P-4" && shown()[0] === "P-5",
      message:
        "The board was to begin with sequence 4, and began with 5. `setStartAtSequence` names the first message that comes.",
      evidence: () => setting(server, board, "start_sequence"),
      wire: first,
    });
    believes("a-time-delta-is-a-time", {
      when: () =>
        wanted[0] === "P-5" &&
        shown()[0] === "P-1" &&
        Number(/"start_delta_ms":(\d+)/.exec(asked(server, board).at(-1)?.text ?? "")?.[1]) > 3_600_000,
      message:
        "The board was to begin with what was stored a moment ago, and began with P-1. A time delta is an age: the server counts it back from now.",
      evidence: () => setting(server, board, "start_delta_ms"),
      wire: first,
    });
    believes("the-default-start-is-the-last", {
      when: () => wanted[0] === "P-8" && says(/"start":"new only"/) && quiet(),
      message:
        "The board was to begin with the last message that is there, and shows nothing. A subscription that names no start gets only what is new.",
      evidence: () => setting(server, board, "start"),
      wire: () => asked(server, board).slice(-1),
    });

    /** Switches a board on, sees what it shows, and switches it off. `more` is reported while it is on. */
    const look = async (client: string, from: Start, parcels: string[], more?: string) => {
      board = client;
      wanted = more ? [...parcels, more] : parcels;
      show = hook(async (_: Scan) => {});
      const stop = new AbortController();
      const showing = await learner.start(
        "showBoard",
        [server.streaming.connection(client), from, show, stop.signal],
        { name: "showBoard" },
      );
      await hub.subscribed(showing);
      const nothing = lasting(5_000, () => show.calls.length === 0);
      const shows = (list: readonly string[]) => () => {
        const wrong = shown().some((parcel, i) => parcel !== list[i]);
        if (wrong || nothing())
          fail(`The board should show ${inWords(list)}. It showed ${inWords(shown())}.`);
        return shown().length === list.length;
      };
      await until(`the board to show ${inWords(parcels)}`, shows(parcels));
      if (more) await hub.reported(more);
      await until(`the board to show ${inWords(wanted)}`, shows(wanted));
      stop.abort();
      await showing.result();
      const stays = lasting(2_000, () => true);
      await until("nothing of the board to be left", async () => {
        if (stays()) fail("`showBoard` has returned, and the server still has its subscription.");
        const left = await hub.left(client);
        if (left === "durable") durable = client;
        return left !== "subscription";
      });
      // The next one may have the same client id.
      await showing.kill();
    };
    await look("board", { sequence: 4 }, ["P-4", "P-5", "P-6", "P-7"], "P-8");
    await look("board", "all", ["P-1", "P-2", "P-3", "P-4", "P-5", "P-6", "P-7", "P-8"]);
    await look("board-3", { since: new Date(stored + gapMs / 4) }, ["P-5", "P-6", "P-7", "P-8"]);
    await look("board-4", "last", ["P-8"]);
    if (durable !== undefined)
      fail("`showBoard` has returned, and the server keeps a durable of the board, for ever.");
  },
);

check(
  "a board shows everything in order, whatever the line loses",
  {
    streaming: true,
    budgetMs: 25_000,
    beliefs: {
      "order-holds-with-redelivery": {
        belief: "Messages come in the order of their sequences.",
        readme: "they-come-in-the-order-of-their-sequences",
        hint: "What does the server send while it waits for the ack of a message that was lost? How many may be on their way, so that nothing can overtake?",
      },
      "a-lower-sequence-is-old": {
        belief: "A message with a lower sequence than the last one was shown already.",
        readme: "they-come-in-the-order-of-their-sequences",
        hint: "Which sequence did your program get after 2, and which one came later? Was that one ever shown?",
      },
      "the-hub-sends-each-once": {
        belief: "What I have acked does not come again.",
        readme: "what-i-acked-does-not-come-again",
        hint: "An ack is a message, too. What does the server do when it is lost? How does your program know what is on the board?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const hub = hubOf(server, until, fail);
    const parcels = ["P-1", "P-2", "P-3", "P-4", "P-5", "P-6"];
    await hub.reported(...parcels);
    const stop = new AbortController();
    const slow = gate();
    const show = hook(async (scan: Scan) => {
      if (scan.parcel === "P-2") await slow.wait();
    });
    const shown = () => parcelsOf(show.received);
    const deliveries = (seq: number) => server.wire.deliveries({ client: "board", streamSeq: seq });
    const lostOnes = () => deliveries(3).length > 1;
    believes("order-holds-with-redelivery", {
      when: () =>
        shown().includes("P-3") &&
        shown().indexOf("P-4") >= 0 &&
        shown().indexOf("P-4") < shown().indexOf("P-3"),
      message:
        "P-3 was lost on the line. While the server waited for its ack, it sent the next ones; then it sent P-3 again. The board showed P-3 after P-4. A message that is sent again does not come in its old place.",
      evidence: () => [...setting(server, "board", "max_in_flight"), `shown  ${inWords(shown())}`],
      wire: () => [...deliveries(3), ...deliveries(4)],
    });
    const passedOver = () => lostOnes() && !shown().includes("P-3") && shown().includes("P-4");
    const leftOut = lasting(1_000, passedOver);
    believes("a-lower-sequence-is-old", {
      when: () =>
        leftOut() || (passedOver() && server.wire.acks({ client: "board", streamSeq: 3 }).length > 0),
      message:
        "P-3 was lost on the line, and the next ones came first. When the server sent P-3 again, the board had shown a higher sequence, and took it for an old one. P-3 was never shown.",
      evidence: () => [...setting(server, "board", "max_in_flight"), `shown  ${inWords(shown())}`],
      wire: () => [...deliveries(3), ...deliveries(4)],
    });
    const repeated = () => shown().find((parcel, i) => shown().indexOf(parcel) < i);
    const seqOf = (parcel = "") => Number(parcel.slice(2));
    believes("the-hub-sends-each-once", {
      when: () => repeated() !== undefined && deliveries(seqOf(repeated())).length > 1,
      message: () =>
        `${repeated()} was shown twice. The server had no ack for it ${repeated() === "P-5" ? "(it was lost on the line)" : "in time"}, and sent it again. Only the sequence tells that it is the same message.`,
      evidence: () => [`shown  ${inWords(shown())}`],
      wire: () => [
        ...deliveries(seqOf(repeated())),
        ...server.wire.acks({ client: "board", streamSeq: seqOf(repeated()) }),
      ],
    });
    server.relay.hold((event) => event.kind === "delivery" && event.streamSeq === 3, {
      who: "board",
      limit: 1,
      mode: "drop",
      what: "P-3",
    });
    server.relay.hold((event) => event.kind === "ack" && event.streamSeq === 5, {
      who: "board",
      limit: 1,
      mode: "drop",
      what: "the ack of P-5",
    });
    const showing = await learner.start("showBoard", [
      server.streaming.connection("board"),
      "all",
      show,
      stop.signal,
    ]);
    await hub.subscribed(showing);
    const isWrong = (list: readonly string[]) => shown().some((parcel, i) => parcel !== list[i]);
    // Why it is wrong shows a moment later.
    const staysWrong = lasting(3_000, () => isWrong([...parcels, "P-7"]));
    const right = (list: readonly string[], sure = false) => {
      if (sure ? isWrong(list) : staysWrong())
        fail(`The board should show ${inWords(list)}, each once. It showed ${inWords(shown())}.`);
      if (show.peak > 1) fail("`show` was called while it was still at work with the scan before.");
      return shown().length === list.length && !isWrong(list);
    };
    // Whoever acks only what is shown gets it once more.
    const acked = lasting(2_500, () => deliveries(2).length === 1);
    await until("P-2 to take longer than the ack wait", () => acked() || deliveries(2).length > 1);
    await showing.answers(2);
    slow.open();
    await until("P-3 to be sent again", () => lostOnes());
    await until("the ack of P-5 to be lost, and P-5 to be sent again", () => deliveries(5).length > 1);
    await until("the board to show all six", () => right(parcels));
    await server.streaming.kill();
    await server.streaming.restart();
    const all = [...parcels, "P-7"];
    await hub.reported("P-7");
    await until("the board to show P-7, when the server is back", () =>
      right(all, shown().length >= all.length),
    );
    await hub.allAcked();
    stop.abort();
    await showing.result();
    right(all, true);
  },
);
