// Lesson 13: what a durable of NATS Streaming keeps, what is acked and when, what a report is worth, and in which order a board shows.
import { inspect } from "node:util";
import {
  type CheckServer,
  type EventOf,
  exercise,
  type Fail,
  gate,
  type Hook,
  hang,
  hook,
  type Lasting,
  type LearnerProgram,
  settingLine,
  type Waiting,
  type WireEvent,
  wireLine,
} from "../../checker/kit/index.ts";
import type { Scan, Start } from "./exercise.ts";

const { check } = exercise<typeof import("./exercise.ts")>();

const channel = "scans";
const ackWaitS = 1;
/** How long a client that publishes waits for the ack; in milliseconds. */
const ackTimeout = 500;
const tries = 6;
/** Longer than an ack wait, and more: what does not go on for so long, does not go on; in milliseconds. */
const stuckMs = 3_500;

/** `P-1` as a scan; its id is `s-1`. */
const scanOf = (parcel: string): Scan => ({ id: parcel.replace("P", "s"), parcel });
const asText = (scan: Scan) => JSON.stringify(scan);

const inWords = (names: readonly unknown[]) => (names.length === 0 ? "nothing" : names.join(", "));

/** `clear` or `show`, as a check hands it over. */
type Work = Hook<[Scan], Promise<void>>;
const parcelsOf = (scans: readonly Scan[]) => scans.map((scan) => scan?.parcel);
const parcelIn = (text = "") => /"parcel":"([^"]*)"/.exec(text)?.[1];

/** What was given to `clear` or `show` must be a scan. */
function expectScans(name: "clear" | "show", { received }: Work, fail: Fail): void {
  const isScan = (scan: Scan) => typeof scan?.id === "string" && typeof scan.parcel === "string";
  const other = received.find((each) => !isScan(each));
  if (received.every(isScan)) return;
  const given = inspect(other, { breakLength: Number.POSITIVE_INFINITY, depth: 1 });
  fail(`\`${name}\` was given ${given}. It should be given a scan: an object with \`id\` and \`parcel\`.`);
}

/** For so long no call has begun. */
function noCall(ms: number, work: Work, lasting: Lasting): () => boolean {
  let calls = -1;
  return lasting(ms, () => {
    const same = work.calls.length === calls;
    calls = work.calls.length;
    return same;
  });
}

/** Requests with which a subscription ends, and the events with which the client tells that they were answered. */
const ends: Readonly<Record<string, string>> = { close: "closed", unsubscribe: "unsubscribed" };

const isAnswerToEnd = (event: WireEvent): event is EventOf<"apiReply"> =>
  event.kind === "apiReply" && event.call in ends;

/** What a client said of its subscriptions, when it asked for them; without the recorder nothing is known of that. */
const asked = (server: CheckServer, client: string) =>
  server.seen((wire) => wire.of("api", { client }).filter(({ call }) => call === "subscribe"), []);
/** A setting of the last one. */
const said = (server: CheckServer, client: string, name: string) =>
  new RegExp(`"${name}":"?([^",}]*)`).exec(asked(server, client).at(-1)?.text ?? "")?.[1];
/** The same as lines of evidence. */
const setting = (server: CheckServer, client: string, name: string) =>
  asked(server, client)
    .slice(-1)
    .map((event) => settingLine(event, name));

/** What the server has sent to a client, and has acked by it; without the recorder nothing is known of that. */
const sentTo = (server: CheckServer, client: string) =>
  server.seen((wire) => wire.deliveries({ client }), []);
const ackedBy = (server: CheckServer, client: string) =>
  server.seen((wire) => wire.acks(({ client: who, kept }) => who === client && kept !== "dropped"), []);

/** Those after its last subscription: not those of a program before it. */
function sinceAsked<E extends WireEvent>(server: CheckServer, client: string, events: readonly E[]): E[] {
  const from = asked(server, client).at(-1)?.index ?? 0;
  return events.filter(({ index }) => index > from);
}

/** What became of the first message that came to a program and is not done, when nothing goes on: a sentence, and the events that prove it. */
function leftUndone(server: CheckServer, client: string, work: Work) {
  const sent = sinceAsked(server, client, sentTo(server, client));
  const called = parcelsOf(work.received);
  for (const seq of [...new Set(sent.map(({ streamSeq }) => streamSeq))].sort((a, b) => a - b)) {
    const copies = sent.filter(({ streamSeq }) => streamSeq === seq);
    const acks = ackedBy(server, client).filter(({ streamSeq }) => streamSeq === seq);
    const parcel = parcelIn(copies[0]?.text) ?? `sequence ${seq}`;
    const isKnown = called.includes(parcel);
    const evidence = [...copies.slice(0, 2), ...acks.slice(0, 1)].map((event) => wireLine(event));
    const times = `${parcel} (sequence ${seq}) ${copies.length} times`;
    if (acks.length > 0 && !isKnown)
      return { words: ` ${parcel} was acked: it does not come again.`, evidence };
    if (acks.length === 0 && copies.length > 1 && !isKnown)
      return { words: ` The server has sent ${times}.`, evidence };
    if (acks.length === 0 && copies.length > 1 && work.running === 0)
      return {
        words: ` The server has sent ${times}, and has no ack of it. What is done needs its ack, and what comes again needs it again.`,
        evidence,
      };
  }
  return { words: "", evidence: [] };
}

interface Scene extends Waiting {
  readonly server: CheckServer;
  readonly fail: Fail;
}

/** The channel of a check, and the programs that take part in it. */
function hubOf({ server, until, lasting, fail }: Scene) {
  const { streaming } = server;
  const subscriptions = async () => (await streaming.channel(channel))?.subscriptions ?? [];
  const answered = (client: string) =>
    server.seen((wire) => wire.of("apiReply", { client, ok: true }).filter(isAnswerToEnd), []);

  /** It was told to stop, is at work on nothing, and does not return. */
  const waitsInVain = (program: LearnerProgram<void>, client: string): never => {
    const answer = sinceAsked(server, client, answered(client)).at(-1);
    const told = `\`${program.name}\` was told to stop. Nothing is under way any more`;
    if (!answer) return fail(`${told}, and it has not returned.`);
    return fail(
      `${told}. The server has answered its \`${answer.call}\`, and it has not returned. With this answer the subscription emits \`${ends[answer.call]}\`.`,
      { evidence: [wireLine(answer)] },
    );
  };

  const hub = {
    /** Others report these parcels; resolves when all are stored. */
    reported: (...parcels: string[]) =>
      streaming.publish(channel, ...parcels.map((parcel) => asText(scanOf(parcel)))),
    subscriptions,
    /** A program takes part in the channel now. */
    async subscribed(program: LearnerProgram<void>, client: string) {
      await until(`a subscription to the channel ${channel}`, async () => {
        if (program.settled) {
          await program.result();
          fail(`\`${program.name}\` returned before it was told to stop.`);
        }
        return (await subscriptions()).some((each) => !each.is_offline);
      });
      const waitS = said(server, client, "ack_wait_s");
      if (waitS !== undefined && Number(waitS) !== ackWaitS)
        fail(
          `\`${program.name}\` subscribed with an ack wait of ${waitS} s. It should be \`ackWaitMs\`, which is ${ackWaitS} s: the server would send again what is lost only after ${waitS} s.`,
          { evidence: setting(server, client, "ack_wait_s") },
        );
    },
    /** `clear` was called for these parcels. */
    async begun(clear: Work, ...parcels: string[]) {
      const stuck = noCall(stuckMs, clear, lasting);
      await until(`\`clear\` to be called for ${inWords(parcels)}`, () => {
        expectScans("clear", clear, fail);
        const called = parcelsOf(clear.received);
        const missing = parcels.filter((parcel) => !called.includes(parcel));
        if (missing.length > 0 && stuck()) {
          const { words, evidence } = leftUndone(server, "desk", clear);
          const working = clear.running > 0 ? `, and is still at work on ${clear.running} of them` : "";
          fail(
            `\`clear\` was not called for ${inWords(missing)}. It was called for ${inWords(called)}${working}.${words}`,
            { evidence },
          );
        }
        return missing.length === 0;
      });
    },
    /** All that is in the channel was sent to who takes part in it now, and acked. */
    async allAcked(work: Work, client: string) {
      let isOpen = true;
      const stuck = lasting(stuckMs, () => isOpen && work.running === 0);
      await until("every message of the channel to be acked", async () => {
        const { last_seq = 0, subscriptions: all = [] } = (await streaming.channel(channel)) ?? {};
        const present = all.filter((each) => !each.is_offline);
        isOpen =
          present.length === 0 ||
          Math.max(...present.map((each) => each.last_sent)) < last_seq ||
          present.some((each) => each.pending_count > 0);
        if (stuck()) {
          const { words, evidence } = leftUndone(server, client, work);
          fail(`Nothing is under way, and the server still waits for an ack.${words}`, { evidence });
        }
        return !isOpen;
      });
    },
    /** A program that was told to stop returns, and leaves the client open. */
    async returns(program: LearnerProgram<void>, work: Work, client: string) {
      const stuck = lasting(stuckMs, () => !program.settled && work.running === 0);
      await until(
        `\`${program.name}\` to be done`,
        () => program.settled || (stuck() && waitsInVain(program, client)),
      );
      await program.result();
      program.leavesConnectionOpen();
    },
    /** Tells a program to stop, and keeps the server's answer to the end of its subscription back: it has to wait for that. */
    async returnsWithTheAnswer(
      program: LearnerProgram<void>,
      stop: AbortController,
      work: Work,
      client: string,
    ) {
      const answer = server.relay.hold(isAnswerToEnd, {
        who: client,
        limit: 1,
        what: "the answer to the end of the subscription",
      });
      stop.abort();
      const hasAsked = () => answer.events.length > 0;
      const never = lasting(2_000, () => !hasAsked() && work.running === 0);
      await until("the subscription to be ended", () => hasAsked() || never());
      await program.answers(2);
      if (hasAsked() && program.settled && !program.error) {
        const { call = "" } = answer.events.find(isAnswerToEnd) ?? {};
        fail(
          `\`${program.name}\` has returned, and the server has not answered its \`${call}\` yet. Whether the subscription has ended, only the answer tells: with it, the subscription emits \`${ends[call]}\`.`,
        );
      }
      answer.release();
      await hub.returns(program, work, client);
    },
    /** The server has no subscription of a client any more. Tells whether it has a durable of it. */
    async gone(program: LearnerProgram<void>, client: string): Promise<{ durable: boolean }> {
      const stays = lasting(2_000, () => true);
      return until("the subscription to end", async () => {
        const own = (await subscriptions()).filter((each) => each.client_id === client);
        if (own.every((each) => each.is_offline)) return { durable: own.length > 0 };
        if (stays())
          fail(
            `\`${program.name}\` has returned, and its subscription is still there: the server goes on sending to it.`,
          );
        return undefined;
      });
    },
  };
  return hub;
}

/** What was cleared must be this, each as often as it stands here. */
function expectCleared(clear: Work, wanted: readonly string[], who: string, fail: Fail): void {
  const cleared = parcelsOf(clear.received);
  if (cleared.toSorted().join() === wanted.toSorted().join()) return;
  fail(`${who} should have cleared ${inWords(wanted)}. It cleared ${inWords(cleared)}.`);
}

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
  async (scene) => {
    const { server, learner, until, lasting, believes, fail } = scene;
    const hub = hubOf(scene);
    const stop = new AbortController();
    const clear: Work = hook(async (scan: Scan) => {
      if (scan?.parcel === "P-2") await hang();
    });
    const again: Work = hook(async (_: Scan) => {});
    const started = () => parcelsOf(again.received);
    /** From here on, it is the second program; absent: the first one is still there. */
    let killed: number | undefined;
    const ofSecond = <E extends { index: number }>(events: E[]) =>
      events.filter(({ index }) => killed !== undefined && index > killed);
    const acksOf = (seq: number) => ackedBy(server, "desk").filter(({ streamSeq }) => streamSeq === seq);
    /** Acked by the first program. */
    const early = (seq: number) => acksOf(seq).filter(({ index }) => killed === undefined || index < killed);
    const deliveries = (seq: number) => sentTo(server, "desk").filter(({ streamSeq }) => streamSeq === seq);

    believes("auto-ack-waits-for-my-work", {
      // The copy was begun by nobody: who acks by hand, had no reason to ack it.
      when: () =>
        clear.running === 1 && clear.calls.length === 2 && early(2).length > 0 && early(3).length > 0,
      message:
        "While P-2 was being cleared, its message was acked, and so was a second message of P-2, which was not begun. If the program dies now, nobody clears P-2: for the server it is done. Without manual acks, the client acks as soon as the listener has returned; and a listener that awaits something has returned by then.",
      evidence: () => [`cleared  P-1; P-2 was under way`],
      wire: () => [...deliveries(2).slice(0, 1), ...early(2), ...early(3)],
    });
    believes("redelivered-was-done", {
      when: () => ofSecond(acksOf(2)).length > 0 && !started().includes("P-2"),
      message:
        "P-2 came to the second program, marked as redelivered. It was acked, and not cleared. The mark says that the server has sent it before; the program that got it died in the middle of the work.",
      wire: () => [...ofSecond(deliveries(2)).slice(0, 1), ...ofSecond(acksOf(2))],
    });
    const misses = lasting(2_500, () => started().length === 0);
    believes("a-channel-remembers-me", {
      when: () =>
        ofSecond(asked(server, "desk")).some(({ text }) => !text?.includes('"durable_name"')) &&
        (started().includes("P-1") || misses()),
      message: () =>
        `After the crash the program subscribed again, with the same client id, and ${started().includes("P-1") ? "P-1, which was cleared and acked, was cleared again" : "what was reported meanwhile did not come"}. A subscription without a durable name ends with its client, and the next one begins anew.`,
      evidence: () => setting(server, "desk", "durable_name"),
      wire: () => ofSecond(sentTo(server, "desk")).slice(0, 1),
    });

    const first = await learner.start("clearScans", [
      server.streaming.connection("desk"),
      clear,
      stop.signal,
    ]);
    await hub.subscribed(first, "desk");
    await hub.reported("P-1");
    await hub.allAcked(clear, "desk");
    await hub.reported("P-2");
    await hub.begun(clear, "P-2");
    const durable = said(server, "desk", "durable_name");
    if (durable !== undefined && durable !== "customs")
      fail(`\`clearScans\` subscribed with the durable name \`${durable}\`. It should be \`customs\`.`, {
        evidence: setting(server, "desk", "durable_name"),
      });
    // One more message of what is under way.
    await hub.reported("P-2");
    const notSent = lasting(800, () => true);
    await until(
      "the second message of P-2 to come",
      () => server.seen(() => deliveries(3).length > 0, true) || notSent(),
    );
    // An ack that is too soon is on its way by now.
    await first.answers(2);
    if (server.seen(() => early(2).length > 0, false)) {
      // A client that acks by itself acks the second message, too.
      const notAcked = lasting(800, () => true);
      await until("an ack of the second message", () => early(3).length > 0 || notAcked());
      fail(
        "P-2 was acked while `clear` was still at work on it. If the program dies now, nobody clears P-2: for the server it is done.",
      );
    }
    await first.kill();
    killed = server.seen((wire) => wire.mark(), 0);
    await hub.reported("P-3");
    const second = await learner.start("clearScans", [
      server.streaming.connection("desk"),
      again,
      stop.signal,
    ]);
    await hub.subscribed(second, "desk");
    await hub.begun(again, "P-2", "P-3");
    await hub.allAcked(again, "desk");
    stop.abort();
    await hub.returns(second, again, "desk");
    // How often a scan that was reported twice is cleared, another check looks at.
    const cleared = [...new Set(started())];
    if (cleared.toSorted().join() !== "P-2,P-3")
      fail(`After the crash, \`clearScans\` should have cleared P-2, P-3. It cleared ${inWords(cleared)}.`);
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
        hint: "Which messages does a subscription get when you say nothing about its start? When were these eight reported?",
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
  async (scene) => {
    const { server, learner, until, lasting, believes, fail } = scene;
    const hub = hubOf(scene);
    const seven = ["P-1", "P-2", "P-3", "P-4", "P-5", "P-6", "P-7"];
    const scans = [...seven.map(scanOf), { id: "s-8", parcel: "P-1" }];
    await server.streaming.publish(channel, ...scans.map(asText));
    const stop = new AbortController();
    const first = gate();
    const others = gate();
    const busy = new Set<string>();
    let peak = 0;
    const clear: Work = hook(async (scan: Scan) => {
      busy.add(scan?.id);
      peak = Math.max(peak, busy.size);
      await (scan?.id === "s-1" ? first : others).wait();
      busy.delete(scan?.id);
    });
    const begun = () => clear.received.map((scan) => scan?.id);
    const deliveries = () => sentTo(server, "desk");
    const acks = (seq: number) => ackedBy(server, "desk").filter(({ streamSeq }) => streamSeq === seq);
    /** Of all its subscriptions together. */
    const inFlight = () =>
      asked(server, "desk")
        .map(({ text }) => Number(/"max_in_flight":(\d+)/.exec(text ?? "")?.[1] ?? 0))
        .reduce((sum, each) => sum + each, 0);
    const gotNothing = lasting(2_500, () => asked(server, "desk").length > 0 && deliveries().length === 0);
    believes("a-durable-begins-at-the-beginning", {
      when: () => gotNothing(),
      message:
        "Eight scans were in the channel before customs subscribed for the first time, and none of them came. A subscription begins with what is new, unless it is told where to begin; a durable does, too.",
      evidence: () => setting(server, "desk", "start"),
      wire: () => asked(server, "desk").slice(-1),
    });
    believes("the-hub-knows-what-i-can-do", {
      when: () => peak > 3 && inFlight() > 3 && ackedBy(server, "desk").length === 0,
      message: () =>
        `Customs can clear three scans at once, and was given ${busy.size}. The server does not see what a program is busy with. It sends on until so many messages are without an ack as the subscription allows.`,
      evidence: () => setting(server, "desk", "max_in_flight"),
      wire: () => deliveries().slice(0, 5),
    });
    const idles = lasting(1_500, () => busy.size > 0 && busy.size < 3);
    believes("one-in-flight-is-safe", {
      when: () => idles() && inFlight() < 3 && begun().length < 3,
      message: () =>
        `Customs can clear three scans at once, and eight are waiting. It was busy with ${busy.size}: the server sends no more messages without an ack than the subscription allows.`,
      evidence: () => setting(server, "desk", "max_in_flight"),
      wire: () => server.wire.deliveries({ client: "desk", deliveryCount: 1 }),
    });
    const clearing = await learner.start("clearScans", [
      server.streaming.connection("desk"),
      clear,
      stop.signal,
    ]);
    await hub.subscribed(clearing, "desk");
    const neverMore = () => {
      expectScans("clear", clear, fail);
      if (peak > 3) fail(`Customs can clear three scans at once. \`clear\` was called for ${peak} at once.`);
    };
    const idlesAnyhow = lasting(3_000, () => busy.size < 3);
    await until("three scans to be under way", () => {
      neverMore();
      const [{ streamSeq = 1 } = {}] = deliveries();
      if (streamSeq > 1 && idlesAnyhow())
        fail(
          `Eight scans were in the channel before customs subscribed for the first time. The first one that came has sequence ${streamSeq}. A new durable should begin with the first message that is there.`,
          { evidence: setting(server, "desk", "start") },
        );
      if (idlesAnyhow())
        fail(`Eight scans are waiting, and customs can clear three at once. It is busy with ${busy.size}.`);
      return busy.size === 3;
    });
    // What has no ack is sent again meanwhile, to a program that is as busy as it may be.
    const steady = lasting(1_800, () => busy.size === 3);
    await until("customs to be busy for a while", () => {
      neverMore();
      return steady() || deliveries().some(({ deliveryCount }) => deliveryCount > 1);
    });
    await clearing.answers(2);
    first.open();
    const stands = lasting(1_500, () => clear.calls.length === 3);
    await until("the next scan to be under way", () => {
      neverMore();
      if (stands()) {
        const { words, evidence } = leftUndone(server, "desk", clear);
        fail(
          `Customs was busy with three scans, and one of them was cleared. Five are waiting, and the next one was not begun while the other two were still under way.${words}`,
          { evidence },
        );
      }
      return clear.calls.length > 3;
    });
    const unacked = lasting(1_500, () => server.seen(() => acks(1).length === 0, false));
    await until("the ack of the scan that was cleared", () => {
      if (unacked()) fail("P-1 was cleared, and was not acked while the other scans were still under way.");
      return server.seen(() => acks(1).length > 0, true);
    });
    others.open();
    const stuck = noCall(stuckMs, clear, lasting);
    await until("all scans to be cleared", () => {
      neverMore();
      const missing = scans.filter(({ id }) => !begun().includes(id));
      if (missing.length > 0 && stuck()) {
        const [{ id, parcel } = scanOf("P-1")] = missing;
        const acked = acks(scans.findIndex((scan) => scan.id === id) + 1).length > 0;
        const other =
          id === "s-8" ? " s-1 and s-8 are two scans of the same parcel, each with an id of its own." : "";
        fail(
          `The scan ${id} of ${parcel} was not cleared${acked ? ", and its message was acked: it does not come again" : ""}.${other}`,
        );
      }
      return missing.length === 0;
    });
    await hub.allAcked(clear, "desk");
    stop.abort();
    await hub.returns(clearing, clear, "desk");
    neverMore();
    const twice = begun().find((id, i) => begun().indexOf(id) < i);
    if (twice !== undefined) fail(`The scan ${twice} was begun again, after it had been cleared.`);
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
  async (scene) => {
    const { server, learner, until, lasting, believes, fail } = scene;
    const hub = hubOf(scene);
    const stop = new AbortController();
    const search = gate();
    const lastSearch = gate();
    const clear: Work = hook(async (scan: Scan) => {
      if (scan?.parcel === "P-4") await lastSearch.wait();
      else if (scan?.parcel === "P-3" || times(scan?.parcel) > 2) return;
      else await search.wait();
      throw new Error(`The papers of ${scan?.parcel} are not there yet.`);
    });
    const times = (parcel: string) => clear.received.filter((scan) => scan?.parcel === parcel).length;
    const deliveries = (seq = 1) => sentTo(server, "desk").filter(({ streamSeq }) => streamSeq === seq);
    const acks = (seq = 1) => ackedBy(server, "desk").filter(({ streamSeq }) => streamSeq === seq);
    const redelivered = () =>
      deliveries().some(
        ({ index }) => index < (acks()[0]?.index ?? 0) && index > (deliveries()[0]?.index ?? 0),
      );
    const publishedAgain = () => server.seen((wire) => wire.publishes({ client: "desk" }), []);
    /** It was acked before `clear` was done with it. */
    let early = false;
    const rejectedOnce = () =>
      !early &&
      times("P-1") === 1 &&
      clear.calls.some(({ ended, args: [scan] }) => scan?.parcel === "P-1" && ended);
    believes("acks-what-failed", {
      when: () => rejectedOnce() && !redelivered() && acks().length > 0 && publishedAgain().length === 0,
      message:
        "The papers of P-1 were not there, and `clear` rejected. The message was acked all the same. For the server an ack ends it: P-1 does not come again, and lies at customs for ever.",
      wire: () => [...deliveries(), ...acks()],
    });
    believes("seen-is-cleared", {
      when: () => rejectedOnce() && redelivered() && acks().length > 0,
      message:
        "`clear` rejected for P-1, and the server sent it again after the ack wait. Then it was acked, and not cleared: the program had seen it before. It had seen it fail.",
      wire: () => [...deliveries(), ...acks()],
    });
    const clearing = await learner.start("clearScans", [
      server.streaming.connection("desk"),
      clear,
      stop.signal,
    ]);
    await hub.subscribed(clearing, "desk");
    await hub.reported("P-1", "P-2");
    await hub.begun(clear, "P-1", "P-2");
    await clearing.answers(2);
    early = server.seen(() => acks().length > 0, false);
    search.open();
    if (early)
      fail(
        "P-1 was acked while `clear` was still at work on it. Then `clear` rejected. P-1 does not come again.",
      );
    const stuck = noCall(stuckMs, clear, lasting);
    await until("P-1 and P-2 to be cleared when they come again", () => {
      if (publishedAgain().length > 0)
        fail(
          "`clear` rejected for P-1, and the program published it again. Without an ack the server sends it again by itself.",
          {
            evidence: publishedAgain()
              .slice(0, 1)
              .map((event) => wireLine(event)),
          },
        );
      for (const [seq, parcel] of [
        [1, "P-1"],
        [2, "P-2"],
      ] as const) {
        const calls = times(parcel);
        if (server.seen(() => calls > deliveries(seq).length, false))
          fail(
            `\`clear\` rejected for ${parcel}, and was called for it again before the server had sent it again. After a failure the ack wait has to pass: then the server sends the message again.`,
          );
        const again = calls === 1 ? "" : " a second time";
        if (calls < 3 && calls > 0 && stuck())
          fail(
            acks(seq).length > 0
              ? `\`clear\` rejected for ${parcel}${again}. Its message was acked, and it does not come again.`
              : `\`clear\` rejected for ${parcel}${again}. It was not called for ${parcel} again${deliveries(seq).length > 1 ? `, though the server has sent it ${deliveries(seq).length} times` : ""}.`,
          );
      }
      return times("P-1") > 2 && times("P-2") > 2;
    });
    await hub.reported("P-3");
    await hub.begun(clear, "P-3");
    await hub.allAcked(clear, "desk");
    // What fails after a stop is for the next program.
    await hub.reported("P-4");
    await hub.begun(clear, "P-4");
    stop.abort();
    await clearing.answers(2);
    lastSearch.open();
    await hub.returns(clearing, clear, "desk");
    await hub.gone(clearing, "desk");
    if (times("P-4") > 1)
      fail(
        "After the stop `clear` rejected for P-4, and was called for it again. After a stop no scan is begun.",
      );
    if (server.seen(() => acks(4).length > 0, false))
      fail(
        "After the stop `clear` rejected for P-4, and its message was acked. The next program does not get it.",
      );
    const thrice = ["P-1", "P-1", "P-1", "P-2", "P-2", "P-2"];
    expectCleared(clear, [...thrice, "P-3", "P-4"], "`clearScans`, with three tries for P-1 and P-2,", fail);
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
  async (scene) => {
    const { server, learner, until, lasting, believes, fail } = scene;
    const hub = hubOf(scene);
    const stop = new AbortController();
    const papers = gate();
    const clear: Work = hook(async (scan: Scan) => {
      if (scan?.parcel === "P-1") await papers.wait();
    });
    const begun = () => clear.received.filter((scan) => scan?.parcel === "P-1").length;
    const deliveries = () => server.wire.deliveries({ client: "desk", streamSeq: 1 });
    const isAcked = () => server.wire.acks({ client: "desk", streamSeq: 1 }).length > 0;
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
    await hub.subscribed(clearing, "desk");
    await hub.reported("P-1");
    await hub.begun(clear, "P-1");
    await until("P-1 to come again after the ack wait", () => {
      if (deliveries().length === 1 && isAcked())
        fail("P-1 was acked while `clear` was still at work on it.");
      return deliveries().length > 1;
    });
    await clearing.answers(2);
    if (isAcked()) fail("P-1 came again, and was acked while `clear` was still at work on it.");
    stop.abort();
    // Whoever waits for a time of his own, and not for the work, is done before.
    const sent = deliveries().length;
    const longer = lasting(2_500, () => true);
    await until(
      "P-1 to take longer still",
      () => clearing.settled || deliveries().length > sent + 1 || longer(),
    );
    await clearing.answers(2);
    if (clearing.settled && !clearing.error)
      fail("`clearScans` returned while `clear` was still at work on P-1.");
    papers.open();
    await hub.returns(clearing, clear, "desk");
    await hub.gone(clearing, "desk");
    if (!isAcked())
      fail(
        "P-1 was cleared after the stop, and `clearScans` has returned. The server has no ack of P-1, and will send it again.",
      );
    expectCleared(clear, ["P-1"], "`clearScans`", fail);
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
  async (scene) => {
    const { server, learner, lasting, believes, fail } = scene;
    const hub = hubOf(scene);
    const stop = new AbortController();
    const papers = gate();
    const clear: Work = hook(async (scan: Scan) => {
      if (scan?.parcel === "P-2") await papers.wait();
    });
    const again: Work = hook(async (_: Scan) => {});
    const later = () => parcelsOf(again.received);
    const answers = (call: string) =>
      server.seen((wire) => wire.of("apiReply", { client: "desk", call, ok: true }), []);
    const acks = (seq: number) => ackedBy(server, "desk").filter(({ streamSeq }) => streamSeq === seq);
    /** What the next program has acked: when it has done everything once more, that is four. */
    const next = () =>
      server.wire.acks(
        ({ client, index }) => client === "desk" && index > (asked(server, "desk")[1]?.index ?? index),
      );
    /** When P-2 could be cleared. */
    let cleared: number | undefined;
    // The client is closed when it asks, however late the answer comes.
    const closedBefore = () =>
      server
        .seen((wire) => wire.of("api", { client: "desk", call: "close" }), [])
        .some(({ index }) => cleared !== undefined && index <= cleared);
    believes("unsubscribe-is-a-tidy-close", {
      when: () =>
        answers("unsubscribe").length > 0 && ((later().includes("P-1") && next().length > 3) || misses()),
      message: () =>
        `After the stop the program unsubscribed. With that the server forgets a durable and its place. ${later().includes("P-1") ? "The next one began with the first message again, and P-1 was cleared once more." : "What was reported until the next one came is lost."}`,
      wire: () => [
        ...answers("unsubscribe").slice(0, 1),
        ...asked(server, "desk").slice(-1),
        ...server.wire.deliveries({ client: "desk", streamSeq: 1 }).slice(-1),
      ],
    });
    const misses = lasting(2_500, () => again.calls.length === 0 && asked(server, "desk").length > 1);
    believes("a-closed-subscription-can-ack", {
      when: () =>
        later().includes("P-2") &&
        closedBefore() &&
        acks(2).every(({ index }) => index > (asked(server, "desk")[1]?.index ?? 0)),
      message:
        "The subscription was closed while P-2 was under way. When P-2 was cleared, its `ack` did nothing: the client sends none for a subscription that is closed, and says nothing about that. So P-2 came to the next program, and was cleared a second time.",
      wire: () => [
        ...server.wire.deliveries({ client: "desk", streamSeq: 2 }).slice(0, 1),
        ...answers("close").slice(0, 1),
        ...server.wire.deliveries({ client: "desk", streamSeq: 2 }).slice(-1),
      ],
    });
    const first = await learner.start("clearScans", [
      server.streaming.connection("desk"),
      clear,
      stop.signal,
    ]);
    await hub.subscribed(first, "desk");
    await hub.reported("P-1");
    await hub.allAcked(clear, "desk");
    await hub.reported("P-2");
    await hub.begun(clear, "P-2");
    stop.abort();
    // Both the stop and what is reported after it are with the program before P-2 is cleared.
    await first.answers();
    await hub.reported("P-3");
    await first.answers(2);
    if (first.settled && !first.error) fail("`clearScans` returned while `clear` was still at work on P-2.");
    if (parcelsOf(clear.received).includes("P-3"))
      fail("P-3 came after the stop, and `clear` was called for it. After a stop no scan is begun.");
    cleared = server.seen((wire) => wire.mark(), 0);
    papers.open();
    await hub.returns(first, clear, "desk");
    if (parcelsOf(clear.received).includes("P-3"))
      fail("P-3 came after the stop, and `clear` was called for it. After a stop no scan is begun.");
    expectCleared(clear, ["P-1", "P-2"], "Until the stop, `clearScans`", fail);
    // With its end, the server has all acks.
    await hub.gone(first, "desk");
    if (server.seen(() => acks(3).length > 0, false))
      fail("P-3 came after the stop. It was acked, and not cleared: the next program does not get it.");
    if (server.seen(() => acks(2).length === 0 && !closedBefore(), false))
      fail(
        "P-2 was cleared after the stop, and `clearScans` has returned. The server has no ack of P-2, and will send it again.",
      );
    await first.kill();
    await hub.reported("P-4");
    const stopAgain = new AbortController();
    const second = await learner.start("clearScans", [
      server.streaming.connection("desk"),
      again,
      stopAgain.signal,
    ]);
    await hub.subscribed(second, "desk");
    await hub.begun(again, "P-3", "P-4");
    await hub.allAcked(again, "desk");
    expectCleared(again, ["P-3", "P-4"], "The next program", fail);
    await hub.returnsWithTheAnswer(second, stopAgain, again, "desk");
    expectCleared(again, ["P-3", "P-4"], "The next program", fail);
  },
);

/** What a report published on the channel. */
const publishedBy = (server: CheckServer, client: string) =>
  server.wire.publishes(({ client: who, of }) => who === client && of === "channel");

/** What was published must be the scan as JSON, also when it is published again. */
function expectReported(texts: readonly (string | undefined)[], scan: Scan, fail: Fail): void {
  for (const text of texts) {
    if (isSame(text, scan)) continue;
    fail(
      `\`report\` was given the scan ${asText(scan)}, and published ${text}. It should publish this very scan, as JSON.`,
    );
  }
}

function isSame(text: string | undefined, { id, parcel }: Scan): boolean {
  try {
    const scan = JSON.parse(text ?? "") as Scan;
    return scan.id === id && scan.parcel === parcel;
  } catch {
    return false;
  }
}

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
  async (scene) => {
    const { server, learner, until, lasting, believes, fail } = scene;
    const scan = scanOf("P-2");
    const depot = server.streaming.connection("depot", { ackTimeout });
    const published = () => publishedBy(server, "depot").filter(({ text }) => text?.includes(scan.id));
    const stored = () =>
      server.wire.pubAcks(
        ({ client, ok, text }) => client === "depot" && ok && text?.includes(scan.id) === true,
      );
    let outcome: { error: { message: string } } | { value: unknown } | undefined;
    /** When it was done, in the time of the wire. */
    let doneAt = 0;
    const rejected = () =>
      outcome && "error" in outcome ? outcome.error.message.replace(/\.$/, "") : undefined;
    const isDoneWithout = () => outcome !== undefined && rejected() === undefined && stored().length === 0;
    // How often it has published, and whether that has stayed so since the last look.
    let before = 0;
    let isQuiet = false;
    const look = () => {
      const now = published().length;
      isQuiet = now === before && now > 0 && stored().length === 0 && outcome === undefined;
      before = now;
    };
    const silent = lasting(stuckMs, () => isQuiet);
    believes("sent-is-stored", {
      // Long before the client can have called back.
      when: () =>
        isDoneWithout() && published().length === 1 && doneAt < (published()[0]?.at ?? 0) + 0.6 * ackTimeout,
      message:
        "The server is away, and `report` says that the scan is stored. `publish` makes an id by itself and returns at once; nobody has the message then. The server's answer comes to the function that you give to `publish`.",
      wire: () => [...server.wire.of("server"), ...published().slice(0, 1)],
    });
    believes("the-client-tries-again", {
      when: () =>
        stored().length === 0 && (rejected() !== undefined || (published().length === 1 && silent())),
      message: () =>
        `The server was away for a moment, and no answer came to the publish. ${rejected() ? `\`report\` rejected: ${rejected()}.` : "`report` publishes no more."} The client tells you once that the answer is missing, and forgets the message. The scan is nowhere.`,
      wire: () => [...server.wire.of("server"), ...published()],
    });
    const reporting = await learner.start("report", [depot, scanOf("P-1")]);
    await reporting.result();
    const nothing = lasting(2_000, () => true);
    await until("the first scan to be in the channel", async () => {
      if (nothing())
        fail(
          `\`report\` says that the scan is stored, and nothing is in the channel \`${channel}\`. \`hub.publish\` stores a message there.`,
        );
      return ((await server.streaming.channel(channel))?.msgs ?? 0) > 0;
    });
    expectReported(await server.streaming.read(channel), scanOf("P-1"), fail);
    await server.streaming.kill();
    reporting.attempt<void>("report", [depot, scan]).then(
      (ended) => {
        outcome = ended;
        doneAt = server.journal.now();
      },
      // What ended the wait for it is told to who waits below.
      () => {},
    );
    // A second, and the client's own wait before it.
    const pauses = lasting(ackTimeout + 1_300, () => isQuiet);
    const isOver = lasting(1_000, () => isDoneWithout());
    let late = false;
    // More often than somebody would try who gives up.
    await until(`the scan to be published ${tries} times, because no answer came`, () => {
      look();
      expectReported(
        published().map(({ text }) => text),
        scan,
        fail,
      );
      if (isOver())
        fail(
          `No answer came to the publish, and \`report\` has returned, as if the scan were stored. After its \`ackTimeout\` the client calls back with an error: then the scan is to be published again.`,
        );
      if (pauses()) late = true;
      else if (late && !isQuiet)
        fail(
          "No answer came to the publish. `report` published the scan again, and more than a second after the client had said so.",
        );
      if (silent() && before > 1)
        fail(`No answer came. \`report\` has published the scan ${before} times, and publishes no more.`);
      return before >= tries;
    });
    await server.streaming.restart();
    const goesOn = lasting(2_500, () => stored().length > 0 && outcome === undefined);
    await until("`report` to be done", () => {
      look();
      if (goesOn()) fail("The server has answered: the scan is stored. `report` has not returned.");
      if (isOver())
        fail("No answer came to the publish, and `report` has returned, as if the scan were stored.");
      if (silent() && before > 1)
        fail(`No answer came. \`report\` has published the scan ${before} times, and publishes no more.`);
      return outcome;
    });
    if (rejected()) fail(`\`report\` rejected: ${rejected()}.`);
    const there = (await server.streaming.read(channel)).map((text) => (JSON.parse(text) as Scan).id);
    if (!there.includes("s-1") || !there.includes("s-2"))
      fail(`\`report\` says that s-1 and s-2 are stored. In the channel is ${inWords(there)}.`);
    reporting.leavesConnectionOpen();
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
  async (scene) => {
    const { server, learner, until, lasting, believes, fail } = scene;
    const hub = hubOf(scene);
    const stop = new AbortController();
    const papers = gate();
    const clear: Work = hook(async (scan: Scan) => {
      if (scan?.parcel === "P-2") await papers.wait();
    });
    const times = (parcel: string) => clear.received.filter((scan) => scan?.parcel === parcel).length;
    /** The first delivery of each message of a parcel. */
    const deliveries = (parcel: string) =>
      server.wire.deliveries(
        ({ client, text, deliveryCount }) =>
          client === "desk" && deliveryCount === 1 && isSame(text, scanOf(parcel)),
      );
    believes("the-hub-knows-duplicates", {
      when: () => times("P-1") > 1 && deliveries("P-1").length > 1,
      message:
        "P-1 is in the channel twice: the answer to its publish was lost, and it was published again. These are two messages, each with a sequence of its own and its own ack. So P-1 was cleared twice. NATS Streaming has no message ids.",
      wire: () => deliveries("P-1"),
    });
    const clearing = await learner.start("clearScans", [
      server.streaming.connection("desk"),
      clear,
      stop.signal,
    ]);
    await hub.subscribed(clearing, "desk");
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
    const published = () => publishedBy(server, "depot");
    const isLate = lasting(stuckMs, () => !reporting.settled);
    await until("the scan to be reported", () => {
      expectReported(
        published().map(({ text }) => text),
        scanOf("P-1"),
        fail,
      );
      if (isLate())
        fail(
          published().length > 1
            ? `The answer to the first publish was lost. \`report\` has published the scan ${published().length} times, and has not returned.`
            : "The answer to the publish was lost. `report` has not published the scan again.",
        );
      return reporting.settled;
    });
    await reporting.result();
    const once = lasting(1_000, () => published().length < 2);
    await until("the scan to be published again", () => {
      if (once())
        fail(
          published().length === 0
            ? `\`report\` has returned, and has published nothing with \`hub.publish\`.`
            : "The answer to the publish was lost. `report` has returned, and has not published the scan again: whether it is stored, it cannot know.",
        );
      return published().length > 1;
    });
    await until("both messages to come to customs", () => deliveries("P-1").length > 1);
    await hub.allAcked(clear, "desk");
    // One that comes while the first is still under way.
    await hub.reported("P-2");
    await hub.begun(clear, "P-2");
    await hub.reported("P-2");
    const alone = lasting(stuckMs, () => true);
    await until("P-2 to come a second time", () => {
      if (alone())
        fail(
          "P-2 was reported twice. The second message has not come while `clear` was at work on the first.",
          {
            evidence: setting(server, "desk", "max_in_flight"),
          },
        );
      return deliveries("P-2").length > 1;
    });
    await clearing.answers(2);
    if (times("P-2") > 1)
      fail("P-2 was reported twice. `clear` was called for it again while it was still at work on it.", {
        evidence: deliveries("P-2").map((event) => wireLine(event)),
      });
    const copies = deliveries("P-2").map(({ streamSeq }) => streamSeq);
    const early = ackedBy(server, "desk").find(({ streamSeq }) => copies.includes(streamSeq));
    if (early)
      fail(
        "P-2 was reported twice. While `clear` was at work on it, one of the two messages was acked. A message is acked when its scan is cleared, and not before.",
        {
          evidence: [...deliveries("P-2"), early].map((event) => wireLine(event)),
        },
      );
    papers.open();
    await hub.allAcked(clear, "desk");
    stop.abort();
    await hub.returns(clearing, clear, "desk");
    expectCleared(clear, ["P-1", "P-2"], "Each of the two was reported twice. `clearScans`", fail);
  },
);

/** Time that passes between the fourth and the fifth scan, enough for a slow machine. */
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
  async (scene) => {
    const { server, learner, until, lasting, believes, fail } = scene;
    const hub = hubOf(scene);
    await hub.reported("P-1", "P-2", "P-3", "P-4");
    const stored = Date.now();
    await until(
      "some time to pass",
      lasting(gapMs, () => true),
    );
    await hub.reported("P-5", "P-6", "P-7");

    /** The board that is looked at: its client, where it is told to begin, and what it should show. */
    let board = "";
    let from: Start = "all";
    let wanted: readonly string[] = [];
    let show: Work = hook(async (_: Scan) => {});
    /** The clients of the boards before it. */
    const earlier = new Set<string>();
    const shown = () => parcelsOf(show.received);
    const quiet = lasting(2_500, () => show.calls.length === 0 && asked(server, board).length > 0);
    const sent = () => sinceAsked(server, board, sentTo(server, board));
    const lastAsked = () => asked(server, board).slice(-1);
    /** Where it asked the server to begin, as lines of evidence. */
    const start = () =>
      ["start", "start_sequence", "start_delta_ms"]
        .filter((name) => said(server, board, name) !== undefined)
        .flatMap((name) => setting(server, board, name));
    believes("start-position-counts-each-time", {
      when: () =>
        earlier.has(board) &&
        said(server, board, "durable_name") !== undefined &&
        said(server, board, "durable_name") ===
          /"durable_name":"([^"]*)"/.exec(asked(server, board)[0]?.text ?? "")?.[1] &&
        (quiet() || (shown()[0] ?? wanted[0]) !== wanted[0]),
      message: () =>
        `This board was to begin with ${wanted[0]}, and ${shown()[0] === undefined ? "shows nothing" : `began with ${shown()[0]}`}. Its subscription is a durable, which the server knows from the board before. Such a one goes on where it was; the start counts only when it is made.`,
      evidence: () => [
        ...asked(server, board).map((event) => settingLine(event, "durable_name")),
        ...start(),
        ...sent()
          .slice(0, 1)
          .map((event) => wireLine(event)),
      ],
    });
    believes("a-start-sequence-is-what-i-have", {
      when: () =>
        typeof from === "object" &&
        "sequence" in from &&
        said(server, board, "start_sequence") === String(from.sequence + 1) &&
        shown()[0] === `P-${from.sequence + 1}`,
      message: () => {
        const { sequence } = from as { sequence: number };
        return `The board was to begin with sequence ${sequence}, and began with ${sequence + 1}. \`setStartAtSequence\` names the first message that comes.`;
      },
      evidence: () => setting(server, board, "start_sequence"),
      wire: () => sent().slice(0, 1),
    });
    believes("a-time-delta-is-a-time", {
      when: () =>
        wanted[0] === "P-5" &&
        shown()[0] === "P-1" &&
        Number(said(server, board, "start_delta_ms") ?? 0) > 3_600_000,
      message:
        "The board was to begin with what was stored a moment ago, and began with P-1. A time delta is an age: the server counts it back from now.",
      evidence: () => setting(server, board, "start_delta_ms"),
      wire: () => sent().slice(0, 1),
    });
    believes("the-default-start-is-the-last", {
      when: () => from === "last" && said(server, board, "start") === "new only" && quiet(),
      message:
        "The board was to begin with the last message that is there, and shows nothing. A subscription that names no start gets only what is new.",
      evidence: () => setting(server, board, "start"),
      wire: lastAsked,
    });

    /** Switches a board on, and sees what it shows. `more` is reported while it is on. */
    const switchOn = async (client: string, where: Start, parcels: string[], more?: string) => {
      board = client;
      from = where;
      show = hook(async (_: Scan) => {});
      const stop = new AbortController();
      const showing = await learner.start("showBoard", [
        server.streaming.connection(client),
        where,
        show,
        stop.signal,
      ]);
      await hub.subscribed(showing, client);
      const shows = async (list: readonly string[]) => {
        wanted = list;
        const stuck = noCall(stuckMs, show, lasting);
        await until(`the board to show ${inWords(list)}`, () => {
          expectScans("show", show, fail);
          const missing = shown().length < list.length;
          if ((missing && stuck()) || shown().some((parcel, i) => parcel !== list[i])) {
            const first = sent()
              .slice(0, 1)
              .map((event) => wireLine(event));
            const left = missing ? leftUndone(server, client, show) : { words: "", evidence: [] };
            fail(`The board should show ${inWords(list)}. It showed ${inWords(shown())}.${left.words}`, {
              evidence: left.words ? left.evidence : [...start(), ...first],
            });
          }
          return !missing;
        });
      };
      await shows(parcels);
      if (more) {
        await hub.reported(more);
        await shows([...parcels, more]);
      }
      return { showing, stop };
    };
    /** The same, and switches it off: nothing of it may be left. */
    const look = async (...of: Parameters<typeof switchOn>) => {
      const { showing, stop } = await switchOn(...of);
      await hub.returnsWithTheAnswer(showing, stop, show, board);
      const { durable } = await hub.gone(showing, board);
      if (durable)
        fail(
          "`showBoard` has returned, and the server keeps a durable of the board. It keeps it until somebody unsubscribes it.",
          { evidence: setting(server, board, "durable_name") },
        );
      // The next one may have the same client id.
      await showing.kill();
      earlier.add(board);
    };
    // The power of the first board goes.
    const { showing: first } = await switchOn("board", { sequence: 6 }, ["P-6", "P-7"]);
    await first.kill();
    earlier.add("board");
    await look("board", { sequence: 4 }, ["P-4", "P-5", "P-6", "P-7"], "P-8");
    await look("board", "all", ["P-1", "P-2", "P-3", "P-4", "P-5", "P-6", "P-7", "P-8"]);
    await look("board-3", { since: new Date(stored + gapMs / 4) }, ["P-5", "P-6", "P-7", "P-8"]);
    await look("board-4", "last", ["P-8"]);
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
  async (scene) => {
    const { server, learner, until, lasting, believes, fail } = scene;
    const hub = hubOf(scene);
    const six = ["P-1", "P-2", "P-3", "P-4", "P-5", "P-6"];
    await hub.reported(...six);
    const stop = new AbortController();
    const slow = gate();
    const end = gate();
    const show: Work = hook(async (scan: Scan) => {
      if (scan?.parcel === "P-1") await slow.wait();
      if (scan?.parcel === "P-8") await end.wait();
    });
    const shown = () => parcelsOf(show.received);
    const deliveries = (seq: number) => server.wire.deliveries({ client: "board", streamSeq: seq });
    const acks = (seq: number) => ackedBy(server, "board").filter(({ streamSeq }) => streamSeq === seq);
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
    /** P-3 came after P-4, and was not shown. */
    const passedOver = () =>
      !shown().includes("P-3") &&
      shown().includes("P-4") &&
      deliveries(3).some(({ index }) => index > (deliveries(4)[0]?.index ?? index));
    const leftOut = lasting(1_000, passedOver);
    believes("a-lower-sequence-is-old", {
      when: () => leftOut() || (passedOver() && acks(3).length > 0),
      message:
        "P-3 was lost on the line, and the next ones came first. When the server sent P-3 again, the board had shown a higher sequence. It passed P-3 over, which was never shown.",
      evidence: () => [...setting(server, "board", "max_in_flight"), `shown  ${inWords(shown())}`],
      wire: () => [...deliveries(3), ...deliveries(4)],
    });
    // P-7 is reported twice, and has to be shown twice.
    const repeated = () => shown().find((parcel, i) => parcel !== "P-7" && shown().indexOf(parcel) < i);
    const seqOf = (parcel = "") => six.indexOf(parcel) + 1;
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
    await hub.subscribed(showing, "board");
    const oneByOne = () => {
      expectScans("show", show, fail);
      if (show.peak > 1) fail("`show` was called for a scan while it was still at work on the one before.");
    };
    /** The board shows this, and nothing else. */
    const shows = async (list: readonly string[]) => {
      const stuck = noCall(stuckMs, show, lasting);
      const differs = () => shown().some((parcel, i) => parcel !== list[i]);
      // Why it differs shows a moment later.
      const staysWrong = lasting(1_500, differs);
      await until(`the board to show ${inWords(list)}`, () => {
        oneByOne();
        const missing = shown().length < list.length;
        if (staysWrong() || (missing && stuck())) {
          const { words, evidence } = leftUndone(server, "board", show);
          fail(`The board should show ${inWords(list)}. It showed ${inWords(shown())}.${words}`, {
            evidence,
          });
        }
        return !missing && !differs();
      });
    };
    const notBegun = noCall(stuckMs, show, lasting);
    // Whoever acks only what is shown gets it once more.
    const ackedAtOnce = lasting(2_500, () => deliveries(1).length === 1);
    await until("P-1 to take longer than the ack wait", () => {
      oneByOne();
      if (show.calls.length === 0 && notBegun())
        fail("Six scans are in the channel, and the board was to show all. It showed nothing.", {
          evidence: setting(server, "board", "start"),
        });
      return show.calls.length > 0 && (ackedAtOnce() || deliveries(1).length > 1);
    });
    await showing.answers(2);
    const alone = lasting(400, () => show.peak === 1);
    await until("P-1 to be shown alone", () => {
      oneByOne();
      return alone();
    });
    slow.open();
    await shows(six);
    // Both are redelivered in time, for otherwise the board could not have come so far.
    const noCopy = noCall(stuckMs, show, lasting);
    await until("P-5 to be sent again", () => noCopy() || deliveries(5).length > 1);
    await server.streaming.kill();
    await server.streaming.restart();
    await hub.reported("P-7");
    await shows([...six, "P-7"]);
    await hub.allAcked(show, "board");
    await hub.reported("P-7");
    const seven = [...six, "P-7", "P-7"];
    const copy = noCall(stuckMs, show, lasting);
    await until("P-7 to be shown again", () => {
      oneByOne();
      if (shown().length < seven.length && copy())
        fail(
          "P-7 was reported twice: it is in the channel as two messages. The board has shown the first one only. Each message is to be shown.",
          {
            evidence: deliveries(8).map((event) => wireLine(event)),
          },
        );
      return shown().length >= seven.length;
    });
    await hub.reported("P-8", "P-9");
    await shows([...seven, "P-8"]);
    // Whoever acks at once has P-9 before the stop, too.
    const waits = lasting(400, () => true);
    await until("P-9 to come", () => deliveries(10).length > 0 || waits());
    await showing.answers(2);
    stop.abort();
    const working = lasting(600, () => !showing.settled);
    await until("`show` to be at work after the stop", () => showing.settled || working());
    if (showing.settled && !showing.error)
      fail("`showBoard` returned while `show` was still at work on P-8.");
    end.open();
    await hub.returns(showing, show, "board");
    if (shown().includes("P-9"))
      fail(
        "P-8 was being shown when the stop came. After it `show` was called for P-9. After a stop nothing more is shown.",
      );
    await shows([...seven, "P-8"]);
  },
);
