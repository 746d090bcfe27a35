// Lesson 03: what a van does with the parcels of a work queue when it breaks down, when a door is closed, when a job is long, and at
// the end of its day.
import { AckPolicy, DiscardPolicy, type JetStreamManager, nanos, RetentionPolicy } from "nats";
import {
  type CheckServer,
  type EventOf,
  exercise,
  expect,
  Finding,
  gate,
  hang,
  hook,
  type LearnerProgram,
  pace,
  type Until,
  type WireEvent,
  wireLine,
} from "../../checker/kit/index.ts";
import type { Parcel, Rules } from "./exercise.ts";

const { check } = exercise<typeof import("./exercise.ts")>();

const subject = "parcel.ams.deliver";
/** Long enough that nothing is delivered again in a check where that would be noise. */
const quietAckWaitMs = 30_000;

/** The depot: a work queue with its consumer, and a stream for the dead letters. */
async function openDepot(server: CheckServer, { ackWaitMs = quietAckWaitMs, from = subject } = {}) {
  const manager = await server.manager();
  await manager.streams.add({
    name: "PARCELS",
    subjects: ["parcel.>"],
    retention: RetentionPolicy.Workqueue,
  });
  await manager.streams.add({ name: "DEAD", subjects: ["dead.>"] });
  await manager.consumers.add("PARCELS", {
    durable_name: "delivery",
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(ackWaitMs),
  });
  const jetstream = await server.jetstream();
  const queue = async () => (await manager.streams.info("PARCELS")).state.messages;
  return {
    manager,
    jetstream,
    /** Puts parcels into the work queue: `P-1`, `P-2` … */
    async sends(...ids: string[]): Promise<void> {
      for (const id of ids) await jetstream.publish(from, JSON.stringify(parcel(id)));
    },
    /** How many parcels are in the work queue. */
    queue,
    empty: async () => (await queue()) === 0,
  };
}

const parcel = (id: string): Parcel => ({ id, address: `Canal Street ${id.slice(2)}` });

const ids = (list: readonly Parcel[]) => list.map((each) => each.id);

/** Which parcel an event is about. */
function idOf({ text }: { text?: string | undefined }): string {
  return /"id":"([^"]+)"/.exec(text ?? "")?.[1] ?? "?";
}

/** There is one dead letter: the parcel, with the depot in its subject, and not a byte of it changed. */
async function expectDeadLetter(manager: JetStreamManager, from: string, payload: string): Promise<void> {
  const { state } = await manager.streams.info("DEAD");
  expect(state.messages, "Dead letters").toBe(1);
  const letter = await manager.streams.getMessage("DEAD", { seq: state.first_seq });
  const [expected, seen] = [`dead.${from}`, letter.subject];
  if (seen !== expected) {
    throw new Finding({
      message: "The dead letter has another subject than `dead.` and the parcel's own.",
      evidence: [`expected  ${expected}`, `seen      ${seen}`],
    });
  }
  if (letter.string() === payload) return;
  throw new Finding({
    message:
      "The dead letter has another payload than the parcel had. It is to be the same, byte for byte: what your program does not know of is part of the parcel, too.",
    readme: "first-the-copy-then-the-original",
    evidence: [`expected  ${payload}`, `seen      ${letter.string().slice(0, 80) || "nothing"}`],
  });
}

/** The first nak whose delay is not the depot's rule. It is what the server is asked for, so no clock is in it; a tenth is for rounding. */
const againstTheRule = (naks: readonly EventOf<"nak">[], { retryAfterMs }: Rules) =>
  naks.find(({ delayMs = 0 }) => Math.abs(delayMs - retryAfterMs) > retryAfterMs / 10);

/** The van wants to know whether what it has said has arrived. */
const asksTheServer = (event: WireEvent) =>
  event.kind === "ping" || event.kind === "api" || (event.kind === "ack" && event.awaited);

/** `until` for as long as a van has to be at work: when it ends too early, the check says so at once. */
function whileAtWork(until: Until, van: LearnerProgram<void>): Until {
  return (what, condition) =>
    until(what, async () => {
      const value = await condition();
      if (value || !van.settled || van.killed) return value;
      await van.result();
      throw new Finding({ message: "`runDelivery` was done, though nobody had told the van to stop." });
    });
}

check(
  "a van that breaks down loses no parcel",
  {
    beliefs: {
      "ack-before-work": {
        belief: "An ack tells the server that I have received the message.",
        readme: "an-ack-is-not-a-receipt",
        hint: "What does the server do with a parcel of a work queue once it has the ack? What if the van burns a second later?",
      },
    },
  },
  async ({ server, learner, until, believes }) => {
    const depot = await openDepot(server, { ackWaitMs: 400 });
    await depot.sends("P-1", "P-2", "P-3");
    const rules = { tries: 100, retryAfterMs: 50 };
    const first = hook<[Parcel], Promise<void>>(hang);
    const van1 = await learner.start(
      "runDelivery",
      [server.connection("van 1"), first, rules, new AbortController().signal],
      { name: "van 1" },
    );
    const early = () =>
      [...server.wire.acks({ client: "van 1" }), ...server.wire.terms({ client: "van 1" })].slice(0, 1);
    const second = hook<[Parcel], Promise<void>>(async () => {});
    // The whole story is to be seen: the van is gone, and the next one has done all that there is.
    const nothingLeft = async () =>
      van1.killed && second.calls.length > 0 && second.running === 0 && (await depot.empty());
    believes("ack-before-work", {
      when: async () =>
        early().length > 0 &&
        first.calls.every((call) => call.ended === undefined) &&
        early().every((event) => !ids(second.received).includes(idOf(event))) &&
        (await nothingLeft()),
      message: () =>
        `The van acked ${early().map(idOf)} before it was delivered, and broke down. With the ack the server had taken the parcel out of the work queue, so the second van never got it: nobody has it any more.`,
      evidence: () => [
        ...server.wire
          .deliveries({ client: "van 1" })
          .slice(0, 1)
          .map((event) => wireLine(event, `gets ${idOf(event)}`)),
        ...early().map((event) => wireLine(event, `${event.kind} of ${idOf(event)}`)),
        ...server.wire.of("program", { name: "van 1", what: "killed" }).map((event) => wireLine(event)),
        ...server.wire
          .deliveries({ client: "van 2" })
          .slice(0, 2)
          .map((event) => wireLine(event, `gets ${idOf(event)}`)),
        `${early().map(idOf)} was never delivered again`,
      ],
    });
    await whileAtWork(until, van1)("the van to start with a parcel", () => first.running > 0);
    // What it has said up to now is on the wire before it breaks down.
    await van1.answers(2);
    await van1.kill();

    const van2 = await learner.start(
      "runDelivery",
      [server.connection("van 2"), second, rules, new AbortController().signal],
      { name: "van 2" },
    );
    await whileAtWork(until, van2)(
      "the second van to deliver all three parcels",
      () => new Set(ids(second.received)).size === 3 && second.running === 0,
    );
    await whileAtWork(until, van2)("the work queue to be empty", depot.empty);
    await van2.kill();
  },
);

check(
  "a parcel behind a closed door comes again later",
  {
    budgetMs: 6_000,
    beliefs: {
      "error-ends-the-van": {
        belief: "When a handler fails, the client catches the error and goes on with the next message.",
        readme: "an-error-is-yours-to-catch",
        hint: "Where does an error go that is thrown inside your loop, or inside a callback? Who starts the loop again?",
      },
      "silence-is-a-nak": {
        belief: "If I do not ack, the server sees that it failed and sends the message again.",
        readme: "no-answer-is-no-answer",
        hint: "How does the server learn that the parcel could not be delivered? When does it stop waiting?",
      },
      "nak-waits-by-itself": {
        belief: "After a nak the server waits a while before it delivers again.",
        readme: "a-bare-nak-comes-back-at-once",
        hint: "Look at the times between the tries. Which part of the program, or of the nak, would make the server wait?",
      },
      "every-time-is-in-nanoseconds": {
        belief: "JetStream counts in nanoseconds, so I convert every time.",
        readme: "milliseconds-or-nanoseconds",
        hint: "Which times go into a configuration as they are, and which does the client convert for you?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const depot = await openDepot(server);
    /** The parcel behind the closed door; another one, when a delivery of it was let fall. */
    let id = "P-1";
    let fallen = 0;
    await depot.sends(id, "P-2");
    const rules = { tries: 5, retryAfterMs: Math.round(300 * pace()) };
    const tries = () => deliver.calls.filter((call) => call.args[0].id === id);
    const deliver = hook<[Parcel], Promise<void>>(async (parcel) => {
      if (parcel.id === id && tries().length <= 2) throw new Error("The door is closed");
    });
    const van = await learner.start(
      "runDelivery",
      [server.connection("van"), deliver, rules, new AbortController().signal],
      { name: "van" },
    );
    const failed = () => tries().filter((call) => call.ended !== undefined);
    /** Between the end of a try and the start of the next one. */
    const rests = () =>
      tries()
        .slice(1)
        .map((call, i) => call.at - (tries()[i]?.ended ?? call.at));
    const about = (event: { text: string | undefined }) => idOf(event) === id;
    /** What a nak means to the server: how long after the failed try P-1 may come again. A busy machine may be later than that. */
    const asksFor = () => {
      const clock = performance.now() - server.wire.now();
      return server.wire.naks(about).flatMap((nak) => {
        const before = failed().findLast(({ ended = 0 }) => ended <= clock + nak.at);
        return before?.ended === undefined ? [] : [clock + nak.at - before.ended + (nak.delayMs ?? 0)];
      });
    };
    // A tenth is for the clocks.
    const tooSoon = (ms: number) => ms < rules.retryAfterMs * 0.9;
    const answers = () =>
      [...server.wire.acks(about), ...server.wire.naks(about), ...server.wire.terms(about)].sort(
        (a, b) => a.index - b.index,
      );
    believes("error-ends-the-van", {
      when: () => failed().length > 0 && !van.killed && (van.settled || van.exit !== undefined),
      message: () =>
        `\`deliver\` failed for ${id}, and the van stopped working${van.exit ? ": its process ended" : ""}. The error left your code, and nothing that NATS does starts it again. All other parcels wait for another van.`,
      evidence: () => [
        `${id}      \`deliver\` failed`,
        van.exit
          ? `the van  its process ended with ${van.exit.signal ?? `exit status ${van.exit.code}`}`
          : `the van  \`runDelivery\` ${van.error ? `failed: ${van.error.message}` : "was done"}`,
      ],
      wire: () => server.wire.by("van", "delivery", "ack", "nak", "term", "disconnect"),
    });
    believes("every-time-is-in-nanoseconds", {
      when: () => server.wire.naks(about).some((nak) => (nak.delayMs ?? 0) >= rules.retryAfterMs * 1_000),
      message: () =>
        `The van asked the server to deliver ${id} again in ${Math.round((server.wire.naks(about)[0]?.delayMs ?? 0) / 3_600_000)} hours. The depot's rule is ${rules.retryAfterMs} ms.`,
      evidence: () =>
        server.wire.naks(about).map((nak) => wireLine(nak, `nak of ${id}, again in ${nak.delayMs} ms`)),
    });
    believes("nak-waits-by-itself", {
      // The server counts from later on than the check, so a right rest is never shorter.
      when: () => rests().some(tooSoon) || (rests().length > 0 && server.seen(asksFor, []).some(tooSoon)),
      message: () =>
        `${id} failed, ${rests().some(tooSoon) ? `and was tried again ${Math.round(Math.min(...rests()))} ms later` : `and the van asked for it again after ${Math.round(Math.min(...asksFor()))} ms; the server was later than that`}. The depot's rule is ${rules.retryAfterMs} ms. A door that is closed now is closed a moment later, too: so all tries are used up in no time.`,
      evidence: () =>
        server.wire
          .naks(about)
          .slice(0, 2)
          .map((nak) =>
            wireLine(
              nak,
              `nak of ${id}${nak.delayMs === undefined ? ", without a delay" : `, ${nak.delayMs} ms`}`,
            ),
          ),
    });
    believes("silence-is-a-nak", {
      when: lasting(1_200, () => failed().length === 1 && tries().length === 1 && answers().length === 0),
      message: () =>
        `\`deliver\` failed for ${id}, and the server has heard nothing about it. It waits for an answer as long as the \`ack_wait\` says, here ${quietAckWaitMs / 1_000} seconds; the depot's rule is ${rules.retryAfterMs} ms.`,
      evidence: () => [
        `${id} was delivered to the van, and \`deliver\` failed`,
        `ack, nak or term of ${id}: none`,
      ],
      wire: () => server.wire.deliveries(about),
    });
    const wait = whileAtWork(until, van);
    await wait("P-2 to be delivered", () => ids(deliver.received).includes("P-2"));
    /**
     * It came to the client, and neither to `deliver` nor back to the server: a client lets fall what comes when its `next` has run
     * out, as it may on a busy machine. It would come again after the `ack_wait`, and that is longer than the check.
     */
    const fell = () =>
      server.seen((wire) => {
        const last = wire.deliveries(about).at(-1);
        const seen = Math.max(0, ...answers().map((answer) => answer.deliveryCount));
        return last !== undefined && last.deliveryCount > seen && last.deliveryCount > tries().length;
      }, false);
    for (;;) {
      const letFall = lasting(1_000, fell);
      await wait(`${id} to be tried for the third time`, async () => {
        // Asked first: while the server answers, the third try may end and be acked.
        const empty = await depot.empty();
        if (failed().length >= 3 || letFall()) return true;
        if (empty) fail(`${id} left the work queue, though it was not delivered.`);
        return false;
      });
      if (failed().length >= 3 || fallen === 2) break;
      fallen++;
      // It may come again while the check waits for the other.
      await depot.manager.streams.purge("PARCELS");
      id = `P-${2 + fallen}`;
      await depot.sends(id);
    }
    await wait("the work queue to be empty", depot.empty);
    expect(
      ids(deliver.received)
        .filter((each) => each === id || each === "P-2")
        .toSorted(),
      `${id} is tried three times, P-2 once`,
    ).toEqual([id, id, id, "P-2"].toSorted());
    await van.kill();
  },
);

check(
  "a van goes on while a parcel rests",
  {
    beliefs: {
      "the-pause-is-made-by-the-van": {
        belief: "A parcel must rest, so I wait that long, and then I send the nak.",
        readme: "a-pause-holds-the-van",
        hint: "What does your van do while the parcel rests? Who else could keep the time?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const depot = await openDepot(server);
    await depot.sends("P-1");
    // The rule is the same at each try, and this van does not make the first one.
    const other = await (await server.jetstream()).consumers.get("PARCELS", "delivery");
    for (const _ of [1, 2]) (await other.next({ expires: 10_000 }))?.nak();
    await depot.sends("P-2");
    // Far longer than the check: whoever waits as long himself is seen waiting.
    const rules = { tries: 100, retryAfterMs: 600_000 };
    const deliver = hook<[Parcel], Promise<void>>(async ({ id }) => {
      if (id === "P-1") throw new Error("The door is closed");
    });
    const van = await learner.start(
      "runDelivery",
      [server.connection("van"), deliver, rules, new AbortController().signal],
      { name: "van" },
    );
    const about = (event: { text: string | undefined }) => idOf(event) === "P-1";
    const answers = () => [
      ...server.wire.acks(about),
      ...server.wire.naks(about),
      ...server.wire.terms(about),
    ];
    const failed = () => deliver.calls.some(({ args, ended }) => args[0].id === "P-1" && ended !== undefined);
    const wentOn = () => ids(deliver.received).includes("P-2");
    const unheard = () => failed() && answers().length === 0;
    believes("the-pause-is-made-by-the-van", {
      when: lasting(1_500, () => unheard() && !wentOn() && !van.settled && van.exit === undefined),
      message:
        "`deliver` failed for P-1. Since then the van does nothing: it has told the server nothing about P-1, and it takes no other parcel. P-2 waits, though its door is open. As long as the van makes the pause, it stands still, and no other van can have P-1.",
      evidence: () => [
        ...server.wire.deliveries(about).map((event) => wireLine(event, "the van gets P-1")),
        `the depot's rule: P-1 rests ${rules.retryAfterMs / 60_000} minutes`,
        "ack, nak or term of P-1: none",
        "P-2 is still in the work queue",
      ],
    });
    const wait = whileAtWork(until, van);
    await wait("P-2 to be delivered while P-1 rests", wentOn);
    const silent = lasting(1_500, unheard);
    await wait("the server to know that P-1 failed", () => {
      if (silent()) {
        fail(
          "`deliver` failed for P-1, and the van went on with P-2. But it has told the server nothing about P-1, so it still holds it.",
          { readme: "a-pause-holds-the-van" },
        );
      }
      return answers().length > 0;
    });
    // No delay, and a delay a million times too long, are seen where a parcel comes again.
    const given = server.wire
      .naks(about)
      .filter(({ delayMs = 0 }) => delayMs > 0 && delayMs < 1_000 * rules.retryAfterMs);
    const wrong = againstTheRule(given, rules);
    if (wrong) {
      fail(
        `The van asked the server to deliver P-1 again in ${wrong.delayMs} ms. The rule of this depot, \`rules.retryAfterMs\`, is ${rules.retryAfterMs} ms, and it is the same at each try. This was try ${wrong.deliveryCount}.`,
        { evidence: [wireLine(wrong, `nak of P-1, again in ${wrong.delayMs} ms`)] },
      );
    }
    await van.kill();
  },
);

check(
  "a parcel without an address ends in the dead letters",
  {
    budgetMs: 6_000,
    beliefs: {
      "a-parcel-gives-up-by-itself": {
        belief: "Sooner or later the server stops delivering a message that always fails.",
        readme: "nobody-gives-up-for-you",
        hint: "Who counts the tries here? Where does a message carry how often it was delivered?",
      },
      "my-program-counts-the-tries": {
        belief: "My program sees every try, so it can count them.",
        readme: "the-server-counts",
        hint: "Two other tries were made before your van got the parcel. Who was there for all of them?",
      },
      "term-keeps-the-message": {
        belief: "The server keeps a message that was terminated somewhere, for later.",
        readme: "term-deletes",
        hint: "Where should people look in the morning for the parcel that could not be delivered? Who put it there?",
      },
      "published-is-stored": {
        belief: "When I have called publish, the copy is safe, and the original may go.",
        readme: "first-the-copy-then-the-original",
        hint: "What comes back when a stream has stored a message? What does your program do before it comes?",
      },
      "a-copy-removes-the-original": {
        belief: "A message that was published on dead.> has been moved.",
        readme: "first-the-copy-then-the-original",
        hint: "How many parcels are there now, and in which streams? What tells the work queue that it is done with its own?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const depot = await openDepot(server);
    const rules = { tries: 4, retryAfterMs: 50 };
    // Blanks and a field that the program does not know: whoever reads it and writes it again loses something.
    const payload = '{ "id":"P-1", "address":"Canal Street 1", "kg":2.50 }';
    await depot.jetstream.publish(subject, payload);
    // Another van has tried it twice before.
    const other = await (await server.jetstream()).consumers.get("PARCELS", "delivery");
    for (const _ of [1, 2]) (await other.next({ expires: 10_000 }))?.nak();
    await depot.sends("P-2");

    const deliver = hook<[Parcel], Promise<void>>(async ({ id }) => {
      if (id === "P-1") throw new Error("There is no such address");
    });
    const held = server.relay.hold((event) => event.kind === "puback" && event.subject.startsWith("dead."), {
      who: "van",
      what: "the PubAck of the dead letter",
    });
    let stored = false;
    const van = await learner.start(
      "runDelivery",
      [server.connection("van"), deliver, rules, new AbortController().signal],
      { name: "van" },
    );
    const tries = () => ids(deliver.received).filter((id) => id === "P-1").length;
    const about = (event: { text: string | undefined }) => idOf(event) === "P-1";
    const removals = () => [...server.wire.acks(about), ...server.wire.terms(about)];
    const copies = () => server.wire.publishes((event) => event.subject.startsWith("dead."));
    const told = () =>
      [...removals(), ...copies()]
        .sort((a, b) => a.index - b.index)
        .map((event) =>
          wireLine(event, event.kind === "publish" ? `publishes ${event.subject}` : `${event.kind} of P-1`),
        );
    believes("a-parcel-gives-up-by-itself", {
      when: () => tries() > rules.tries && copies().length === 0 && removals().length === 0,
      message: () =>
        `P-1 can never be delivered. After two tries of another van, your van tried it ${tries()} times more, and it is still in the work queue. It would go on like this for ever, and delay other parcels.`,
      evidence: () => [
        `tries allowed in all     ${rules.tries}`,
        `tries of another van     2`,
        `tries of your van        ${tries()}`,
        ...server.wire
          .deliveries(about)
          .slice(-1)
          .map((event) => wireLine(event, `delivery ${event.deliveryCount} of P-1`)),
      ],
    });
    believes("my-program-counts-the-tries", {
      when: () => copies().length > 0 && tries() >= rules.tries,
      message: () =>
        `Another van had tried P-1 twice. Your van tried it ${tries()} times more, so it was tried ${tries() + 2} times in total; the depot's rule is ${rules.tries}. A program that counts for itself does not know what others did, nor what it did before a restart.`,
      evidence: () => [
        `tries allowed in all     ${rules.tries}`,
        `tries of another van     2`,
        `tries of your van        ${tries()}`,
        ...server.wire
          .deliveries(about)
          .slice(-1)
          .map((event) => wireLine(event, `delivery ${event.deliveryCount} of P-1`)),
      ],
    });
    believes("published-is-stored", {
      when: () => !stored && removals().length > 0 && copies().length > 0,
      message:
        "The van took P-1 out of the work queue before it knew that the stream DEAD has it. If the copy is not stored, because the stream is full or the server goes away, nobody has the parcel any more.",
      evidence: () => [...told(), "the PubAck of the dead letter had not reached the van"],
    });
    believes("term-keeps-the-message", {
      when: lasting(
        800,
        () => removals().some((event) => event.deliveryCount >= rules.tries) && copies().length === 0,
      ),
      message:
        "The van took P-1 out of the work queue, and published nothing on dead.>. The parcel is gone, and nobody will ever know.",
      evidence: () => [...told(), "publishes on dead.>: none"],
    });
    believes("a-copy-removes-the-original", {
      when: lasting(1_500, () => stored && removals().length === 0),
      message:
        "The stream DEAD has P-1, and the work queue still has it, too. Nobody told the server that P-1 is done with, so it will deliver it again and again.",
      evidence: () => [...told(), "ack or term of P-1: none"],
    });
    const wait = whileAtWork(until, van);
    await wait("the dead letter to be stored", () => {
      if (removals().some((event) => event.deliveryCount < rules.tries)) {
        fail(`P-1 left the work queue before it was tried ${rules.tries} times.`);
      }
      return held.events.length > 0 && removals().length === 0;
    });
    // Whatever the van does without waiting for the PubAck, it has done when it has answered.
    await van.answers();
    await wait("the van to wait for the PubAck", () => removals().length === 0);
    stored = true;
    held.release();
    await wait("both parcels to leave the work queue", depot.empty);

    await expectDeadLetter(depot.manager, subject, payload);
    if (tries() !== 2) {
      fail(
        `The depot allows ${rules.tries} tries of a parcel in total. Another van had tried P-1 twice, so two were left. Your van tried it ${tries()} ${tries() === 1 ? "time" : "times"}.`,
        {
          readme: "the-server-counts",
          evidence: server.wire
            .deliveries(about)
            .slice(-3)
            .map((event) => wireLine(event, `delivery ${event.deliveryCount} of P-1`)),
        },
      );
    }
    expect(
      ids(deliver.received).filter((id) => id === "P-2").length,
      "Tries of P-2, which is a good parcel",
    ).toBe(1);
    await van.kill();
  },
);

check(
  "a parcel that the dead letters refuse is not lost",
  {
    beliefs: {
      "any-answer-is-stored": {
        belief:
          "When publish has come back, with whatever it says, the copy is on its way and the original may go.",
        readme: "a-stream-can-say-no",
        hint: "What did the stream DEAD answer? In which stream is the parcel now?",
      },
      "the-last-step-cannot-fail": {
        belief: "Delivering can fail. Putting a parcel into the dead letters cannot.",
        readme: "a-stream-can-say-no",
        hint: "Which of your calls can fail, besides `deliver`? What happens to your loop then, and to the parcels behind?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const from = "parcel.rtm.deliver";
    const depot = await openDepot(server, { from });
    // The dead letters have room for one, and somebody was first.
    await depot.manager.streams.update("DEAD", { max_msgs: 1, discard: DiscardPolicy.New });
    await depot.jetstream.publish(`dead.${subject}`, JSON.stringify(parcel("P-0")));
    await depot.sends("P-1", "P-2");
    const deliver = hook<[Parcel], Promise<void>>(async ({ id }) => {
      if (id === "P-1") throw new Error("There is no such address");
    });
    const rules = { tries: 1, retryAfterMs: 100 };
    const van = await learner.start(
      "runDelivery",
      [server.connection("van"), deliver, rules, new AbortController().signal],
      { name: "van" },
    );
    const about = (event: { text: string | undefined }) => idOf(event) === "P-1";
    const answered = (ok: boolean) =>
      server.wire.pubAcks((event) => event.ok === ok && event.subject.startsWith("dead."));
    const removals = () => [...server.wire.acks(about), ...server.wire.terms(about)];
    const refusal = () => answered(false)[0];
    /** The parcel left the work queue after the refusal, and nothing was stored. */
    const lost = () => removals().find((event) => event.index > (refusal()?.index ?? event.index));
    const refusalLines = () => {
      const event = refusal();
      return event ? [wireLine(event, `DEAD refuses P-1: ${event.error} (${event.errCode})`)] : [];
    };
    believes("any-answer-is-stored", {
      when: () => lost() !== undefined && answered(true).length === 0,
      message:
        "The stream DEAD was full and refused the dead letter. The van took P-1 out of the work queue all the same. Now it is in neither stream, and nobody has it any more.",
      evidence: () => {
        const removal = lost();
        return [...refusalLines(), ...(removal ? [wireLine(removal, `${removal.kind} of P-1`)] : [])];
      },
    });
    believes("the-last-step-cannot-fail", {
      when: () =>
        refusal() !== undefined &&
        removals().length === 0 &&
        !van.killed &&
        (van.settled || van.exit !== undefined),
      message: () =>
        `The stream DEAD was full and refused the dead letter. That error left your code, and the van stopped working${van.exit ? ": its process ended" : ""}. All other parcels wait for another van, and P-1 for the \`ack_wait\`.`,
      evidence: () => [
        ...refusalLines(),
        van.exit
          ? `the van: its process ended with ${van.exit.signal ?? `exit status ${van.exit.code}`}`
          : `the van: \`runDelivery\` ${van.error ? `failed: ${van.error.message}` : "was done"}`,
      ],
    });
    const wait = whileAtWork(until, van);
    const kept = () => {
      if (removals().length > 0 && !lost()) {
        fail("P-1 left the work queue, though the stream DEAD does not have it.", {
          readme: "first-the-copy-then-the-original",
        });
      }
      // Before the rest is waited for: it may be days.
      const wrong = againstTheRule(
        server.wire.naks((event) => about(event) && event.index > (refusal()?.index ?? event.index)),
        rules,
      );
      if (wrong && !wrong.delayMs) {
        fail(
          "DEAD refused P-1, and the van gave it back with a nak that has no delay. So it came again at once, and not `rules.retryAfterMs` later.",
          {
            readme: "a-bare-nak-comes-back-at-once",
            evidence: [...refusalLines(), wireLine(wrong, "nak of P-1, without a delay")],
          },
        );
      }
      if (wrong) {
        fail(
          `DEAD refused P-1, and the van asked the server to deliver it again in ${wrong.delayMs} ms. The depot's rule, \`rules.retryAfterMs\`, is ${rules.retryAfterMs} ms.`,
          {
            ...((wrong.delayMs ?? 0) >= 1_000 * rules.retryAfterMs && {
              readme: "milliseconds-or-nanoseconds",
            }),
            evidence: [...refusalLines(), wireLine(wrong, `nak of P-1, again in ${wrong.delayMs} ms`)],
          },
        );
      }
      return removals().length === 0;
    };
    await wait("DEAD to refuse the dead letter", () => {
      // The copy may be on its way while the parcel comes once more.
      if (!refusal() && server.wire.deliveries(about).length > 3) {
        fail(
          "`rules.tries` is 1. P-1 was tried more than three times, and no copy of it came to the stream DEAD.",
          {
            readme: "nobody-gives-up-for-you",
            evidence: server.wire
              .deliveries(about)
              .slice(0, 4)
              .map((event) => wireLine(event)),
          },
        );
      }
      return kept() && refusal();
    });
    await wait(
      "the van to go on with P-2 while P-1 rests",
      () => kept() && ids(deliver.received).includes("P-2"),
    );
    await wait("P-1 to come again, and to be refused again", () => kept() && answered(false).length > 1);
    // In the morning somebody takes the old letter out.
    await depot.manager.streams.purge("DEAD");
    const stays = lasting(2_500, () => answered(true).length > 0 && removals().length === 0);
    await wait("P-1 to leave the work queue once DEAD has it", async () => (await depot.empty()) || stays());
    if (stays()) {
      fail(
        "The stream DEAD had room again, and has P-1 now. P-1 is still in the work queue, too: nobody told the server that it is done with.",
        {
          readme: "first-the-copy-then-the-original",
          evidence: answered(true)
            .slice(-1)
            .map((event) => wireLine(event)),
        },
      );
    }
    await expectDeadLetter(depot.manager, from, JSON.stringify(parcel("P-1")));
    await van.kill();
  },
);

check(
  "a long inspection is not given to a second van",
  {
    budgetMs: 20_000,
    beliefs: {
      "the-server-sees-that-i-work": {
        belief: "As long as my process lives and is connected, the server knows that I am still at work.",
        readme: "the-server-cannot-see-you-work",
        hint: "What does the server know of a van between the delivery and the answer? How long does it wait, and in which unit is that written?",
      },
      "one-sign-is-enough": {
        belief: "A message that I have marked as in progress is mine until I ack it.",
        readme: "in-progress-starts-the-clock-again",
        hint: "What exactly does the server do when it hears that the work is in progress? And what happens one `ack_wait` later?",
      },
    },
  },
  async ({ server, learner, until, believes }) => {
    let ackWaitMs = Math.round(300 * pace());
    const longestAckWaitMs = 8 * ackWaitMs;
    const depot = await openDepot(server, { ackWaitMs });
    const inspected = new Map<string, ReturnType<typeof gate>>();
    const deliver = hook<[Parcel], Promise<void>>(({ id }) => inspected.get(id)?.wait() ?? Promise.resolve());
    const van = await learner.start(
      "runDelivery",
      [server.connection("van 1"), deliver, { tries: 100, retryAfterMs: 50 }, new AbortController().signal],
      { name: "van 1" },
    );
    const wait = whileAtWork(until, van);
    const idle = await server.connect("van 2", { recorded: true });
    const forIdle = await idle.jetstream().consumers.get("PARCELS", "delivery");

    // On a busy machine a right van, or the server, may come too late to its turn. What happens then proves nothing, and
    // the check tries another parcel, with a longer `ack_wait`. So it watches how promptly the van answers.
    let current = "";
    let lastAnswer = 0;
    let longestSilenceMs = 0;
    const silenceMs = () => Math.max(longestSilenceMs, performance.now() - lastAnswer);
    const about = (event: { text: string | undefined }) => idOf(event) === current;
    const again = () => server.wire.redeliveries(about)[0];
    const signs = () => server.wire.inProgress((event) => about(event) && event.at < (again()?.at ?? 0));
    const lastWord = () => signs().at(-1) ?? server.wire.deliveries(about)[0];
    /** The server gave the parcel away, and it was the van's fault. */
    const givenAway = () => {
      const [redelivery, word] = [again(), lastWord()];
      if (!redelivery || !word) return false;
      return redelivery.at - word.at >= 0.9 * ackWaitMs && silenceMs() < ackWaitMs / 3;
    };
    const seen = () =>
      [...server.wire.deliveries(about), ...signs().slice(-1)]
        .sort((a, b) => a.index - b.index)
        .slice(0, 4)
        .map((event) =>
          wireLine(
            event,
            event.kind === "delivery"
              ? `gets ${current}, delivery ${event.deliveryCount}`
              : `${current} is in progress`,
          ),
        );
    believes("the-server-sees-that-i-work", {
      when: () => givenAway() && signs().length === 0,
      message: () =>
        `Van 1 was still at work on ${current} when the server gave it to van 2. The server had heard nothing of van 1 for one \`ack_wait\`, ${ackWaitMs} ms; it cannot tell a van that works from one that is lost. If a timer sends your signs of life, check its unit and its interval: \`ack_wait\` is in nanoseconds, timers take milliseconds, and the first sign must come well before one \`ack_wait\` is over.`,
      evidence: () => [...seen(), `signs of life for ${current}: none`],
    });
    believes("one-sign-is-enough", {
      when: () => givenAway() && signs().length > 0,
      message: () =>
        `Van 1 was still at work on ${current} when the server gave it to van 2. Van 1 had said that the work is in progress, but then nothing more for one \`ack_wait\`, ${ackWaitMs} ms.`,
      evidence: seen,
    });
    for (let attempt = 1; ; attempt++) {
      current = `P-${attempt}`;
      const done = gate();
      inspected.set(current, done);
      lastAnswer = performance.now();
      longestSilenceMs = 0;
      await depot.sends(current);
      await wait("the van to start the inspection", () => deliver.running === 1);
      const second = await forIdle.fetch({ max_messages: 1, expires: 60_000 });
      void (async () => {
        for await (const message of second) message.ack();
      })();
      const from = performance.now();
      while (!again() && performance.now() - from < 2.1 * ackWaitMs) {
        const asked = performance.now();
        await van.answers();
        longestSilenceMs = silenceMs();
        lastAnswer = performance.now();
        await wait("the inspection to take its time", () => again() ?? performance.now() - asked > 20);
      }
      const wasGivenAway = again() !== undefined;
      // A belief that shows is the end of the check here.
      if (wasGivenAway) await wait("the reason", () => !givenAway());
      await second.close();
      done.open();
      await wait("the van to finish the inspection", () => deliver.running === 0);
      await wait("the work queue to be empty", depot.empty);
      if (wasGivenAway) {
        ackWaitMs = Math.min(2 * ackWaitMs, longestAckWaitMs);
        await depot.manager.consumers.update("PARCELS", "delivery", { ack_wait: nanos(ackWaitMs) });
        continue;
      }
      expect(ids(deliver.received).filter((id) => id === current).length, "Inspections of the parcel").toBe(
        1,
      );
      break;
    }
    await van.kill();
  },
);

check(
  "parcels do not wait in a van that stands still",
  {
    beliefs: {
      "the-client-takes-one-at-a-time": {
        belief: "I handle one message at a time, so I hold one message at a time.",
        readme: "the-client-fetches-ahead",
        hint: "Where are the other parcels while your van is busy with the first one? How many does your program ask the server for at once?",
      },
    },
  },
  async ({ server, learner, until, believes }) => {
    const depot = await openDepot(server);
    await depot.sends("P-1", "P-2", "P-3", "P-4");
    const stuck = gate();
    const deliver = hook<[Parcel], Promise<void>>(() => stuck.wait());
    const van = await learner.start(
      "runDelivery",
      [server.connection("van 1"), deliver, { tries: 5, retryAfterMs: 50 }, new AbortController().signal],
      { name: "van 1" },
    );
    const inVan = () => server.wire.deliveries({ client: "van 1" });
    const answered = () =>
      server.wire.of("nak", { client: "van 1" }).length + server.wire.acks({ client: "van 1" }).length;
    /** On a busy machine a client may let fall what comes when its `next` has run out. Then the van starts with another parcel. */
    const startsWithP1 = () => deliver.received[0]?.id === "P-1";
    believes("the-client-takes-one-at-a-time", {
      when: () =>
        startsWithP1() &&
        inVan().length - answered() > 1 &&
        deliver.calls.every((call) => call.ended === undefined),
      message: () => {
        const more = inVan().length - answered() - 1;
        const why =
          server.wire.pulls({ client: "van 1" }).length > 1
            ? " It asked for more before P-1 was done: to the client, you are done with a parcel when your loop comes back for the next one, or when your callback returns, which an async callback does at its first `await`."
            : "";
        return `Van 1 stands still with P-1, and holds ${more} ${more === 1 ? "parcel" : "parcels"} more.${why} The server has given them to van 1, so no other van can have them until their \`ack_wait\` is over, however long van 1 stands.`;
      },
      evidence: () =>
        [...server.wire.pulls({ client: "van 1" }), ...inVan()]
          .sort((a, b) => a.index - b.index)
          .slice(0, 6)
          .map((event) =>
            wireLine(
              event,
              event.kind === "pull"
                ? `asks for up to ${event.batch} parcel${event.batch === 1 ? "" : "s"}`
                : `gets ${idOf(event)}`,
            ),
          ),
    });
    const wait = whileAtWork(until, van);
    await wait("the van to start with P-1", () => deliver.running > 0);
    if (!startsWithP1()) {
      // What it holds proves nothing, and P-1 does not come again before the `ack_wait` is over.
      await van.kill();
      return;
    }

    const other = await server.connect("van 2", { recorded: true });
    const forOther = await other.jetstream().consumers.get("PARCELS", "delivery");
    const got: string[] = [];
    const takes = async (max_messages: number) => {
      for await (const message of await forOther.fetch({ max_messages, expires: 60_000 })) {
        got.push(message.json<Parcel>().id);
        message.ack();
      }
    };
    void takes(3);
    await wait("van 2 to get the other parcels", () => got.length === 3);
    // Who asks for the next parcel while he delivers P-1 has asked by now, and comes before van 2.
    await van.answers(2);
    void takes(1);
    await depot.sends("P-5");
    await wait("van 2 to get the next parcel, too", () => got.length === 4);
    expect(got, "Van 2 gets the parcels that van 1 has not started with").toEqual([
      "P-2",
      "P-3",
      "P-4",
      "P-5",
    ]);
    stuck.open();
    await wait("the work queue to be empty", depot.empty);
    expect(ids(deliver.received), "Van 1 delivers its own parcel, once").toEqual(["P-1"]);
    await van.kill();
  },
);

check(
  "the last parcel of the day counts",
  {
    beliefs: {
      "stop-means-now": {
        belief:
          "When the program is told to stop, it should stop at once; the server delivers the rest again.",
        readme: "stop-is-not-break-off",
        hint: "What does the van still hold in the moment in which it is told to stop? Who will have that parcel, and when?",
      },
      "ack-means-sent": {
        belief: "When ack() has returned, the server has the ack.",
        readme: "ack-does-not-send",
        hint: "ack() returns at once, like publish(). Where is the ack when your function is done? Who could confirm that it has arrived?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const depot = await openDepot(server);
    await depot.sends("P-1", "P-2");
    /** A van is told to stop while it delivers its last parcel, and is switched off when it is done. */
    const lastParcel = async (client: string, id: string, doorOpens: boolean, tries = 5): Promise<void> => {
      const lastTry = !doorOpens && tries === 1;
      const queued = await depot.queue();
      const door = gate();
      const deliver = hook<[Parcel], Promise<void>>(async () => {
        await door.wait();
        if (!doorOpens) throw new Error("The door is closed");
      });
      const day = new AbortController();
      const van = await learner.start(
        "runDelivery",
        [server.connection(client), deliver, { tries, retryAfterMs: 50 }, day.signal],
        { name: client, powerOff: true },
      );
      await whileAtWork(until, van)(`the van to start with ${id}`, () => deliver.running >= 1);
      day.abort();
      const off = () => van.exit !== undefined && van.error === undefined;
      let over = false;
      let lost = false;
      /** It asked the server to confirm, and was switched off before the confirmation. */
      let onlyAsked = false;
      believes("stop-means-now", {
        when: () => !over && off(),
        message: `The van was told to stop while it was delivering ${id}, and it was switched off at once. ${id} was not delivered to the end, and the server knows nothing: for ${quietAckWaitMs / 1_000} seconds, the \`ack_wait\`, no other van gets it.`,
        evidence: () => [
          `\`deliver\` was at work on ${id}`,
          "`runDelivery` was done, and the van was switched off",
        ],
        wire: () => server.wire.by(client, "delivery", "disconnect", "program"),
      });
      believes("ack-means-sent", {
        when: () => lost,
        message: () => {
          const waits = onlyAsked
            ? "The van had asked the server to confirm it, and did not wait for the confirmation: `flush()` and `ackAck()` each give a promise, and only a program that awaits it knows."
            : doorOpens
              ? "ack() only hands the ack to the client; it waits for nobody."
              : "nak() and term() only hand the answer to the client, as ack() does; they wait for nobody.";
          return doorOpens
            ? `${id} was delivered, and then the van was switched off while its ack was still on the way. The ack was lost with the connection. So the server will give ${id} to another van, which delivers it a second time. ${waits}`
            : lastTry
              ? `${id} has failed for the last time, the stream DEAD has its copy, and then the van was switched off while its answer was still on the way. The answer was lost with the connection. So the server will give ${id} to another van, and DEAD gets it a second time. ${waits}`
              : `${id} could not be delivered, and then the van was switched off while its answer was still on the way. The answer was lost with the connection. So for ${quietAckWaitMs / 1_000} seconds, the \`ack_wait\`, no other van gets ${id}. ${waits}`;
        },
        evidence: () => [
          `\`deliver\` ${doorOpens ? "was done with" : "failed for"} ${id}`,
          `\`runDelivery\` was done, and had not waited until the server had the ${doorOpens ? "ack" : "answer"}`,
          `${id} is still in the work queue`,
        ],
        // A connection begins with a PING, too; it did arrive.
        wire: () =>
          server.wire
            .by(client, "delivery", "ack", "nak", "term", "ping", "disconnect")
            .filter(({ kind, kept }) => kind !== "ping" || kept !== undefined),
      });
      // A van that ends its day at once does so now; one that finishes its parcel waits for it. One such wait is enough.
      const waits = lasting(doorOpens ? 250 : 0, () => !van.exit);
      await until(`the van to go on with ${id}`, () => waits() && deliver.running >= 1);
      await van.answers();
      await until(`the van to go on with ${id}`, () => !van.exit);

      // The way to the server is slow: from its answer on, what the van sends is on the way and does not arrive yet.
      let answered = false;
      let removed = false;
      const onTheWay = server.relay.hold(
        (event) => {
          answered ||= ["ack", "nak", "term"].includes(event.kind);
          removed ||= event.kind === "ack" || event.kind === "term";
          return answered && event.direction === "toServer";
        },
        { who: client, what: "what the van sends" },
      );
      const asks = () => onTheWay.events.some(asksTheServer);
      over = true;
      door.open();
      await until(
        "the van to be switched off, or to make sure that the server has its answer",
        () => van.exit || asks(),
      );
      // Whoever waits for the server waits on, because nothing arrives. Who only asked it is switched off now. By the wall, as the
      // client's own patience is: held for long, the answer would fail a van that waits.
      const asked = performance.now();
      await until(
        "the van to make sure that the server has its answer",
        () => van.exit || performance.now() - asked > (doorOpens ? 150 : 0),
      );
      await van.answers(2);
      const tooEarly = off();
      onlyAsked = asks();
      // With the van its connection is gone, and with the connection what was still on the way.
      if (tooEarly) onTheWay.drop();
      else onTheWay.release();
      await until("the van to be switched off", () => van.exit);
      await van.result();
      await until("the server to notice that the van is gone", () => server.hasLeft(client));
      // Whether a parcel at its last try is put away at all, is the matter of other checks.
      const leaves = doorOpens || (lastTry && removed);
      const told = leaves ? (await depot.queue()) < queued : !answered || lastTry;
      lost = tooEarly && !told;
      await until(
        `the answer for ${id} to be there`,
        async () => lost || !leaves || (await depot.queue()) < queued,
      );
      // Looks at the signs once more, now that it is over.
      await until("nothing to be lost", () => !lost);
      expect(
        ids(deliver.received),
        `Told to stop, the van delivers ${id} to the end, and takes no other`,
      ).toEqual([id]);
      if (doorOpens || lastTry) return;
      if ((await depot.queue()) < queued) fail(`${id} left the work queue, though it was not delivered.`);
      if (!answered) {
        fail(
          `\`deliver\` failed for ${id}, the last parcel of the day. The van was switched off, and had told the server nothing about ${id}: for ${quietAckWaitMs / 1_000} seconds, the \`ack_wait\`, no other van gets it.`,
          { readme: "no-answer-is-no-answer" },
        );
      }
    };
    await lastParcel("van", "P-1", true);
    const { num_ack_pending: taken } = await depot.manager.consumers.info("PARCELS", "delivery");
    if (taken > 0) {
      fail(
        `The van was switched off, and had taken ${taken === 1 ? "a parcel" : `${taken} parcels`} with it that it had not answered for. No other van gets ${taken === 1 ? "it" : "them"} before the \`ack_wait\` is over.`,
        {
          readme: "the-client-fetches-ahead",
          evidence: server.wire
            .deliveries({ client: "van" })
            .slice(0, 4)
            .map((event) => wireLine(event, `the van gets ${idOf(event)}`)),
        },
      );
    }
    // A parcel that could not be delivered needs its answer, too, and so does one that goes to the dead letters.
    await lastParcel("van 2", "P-2", false);
    await depot.manager.streams.purge("PARCELS");
    await depot.sends("P-3", "P-4");
    await lastParcel("van 3", "P-3", false, 1);
  },
);

check(
  "a van that has nothing to do goes home when it is told",
  {
    beliefs: {
      "a-loop-sees-the-signal": {
        belief: "My loop ends when the signal is set, because I look at the signal in the loop.",
        readme: "a-waiting-loop-sees-nothing",
        hint: "Your loop waits for the next parcel. Which line of it runs when none comes? What could end the waiting from outside?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const depot = await openDepot(server);
    await depot.sends("P-1");
    // What a failed try leaves running, runs on when the van goes home.
    const deliver = hook<[Parcel], Promise<void>>(async () => {
      if (deliver.calls.length === 1) throw new Error("The door is closed");
    });
    const day = new AbortController();
    const van = await learner.start(
      "runDelivery",
      [server.connection("van"), deliver, { tries: 5, retryAfterMs: 50 }, day.signal],
      { name: "van" },
    );
    const wait = whileAtWork(until, van);
    const gone = lasting(1_500, () => deliver.calls.length === 1 && deliver.running === 0);
    await wait("P-1 to be delivered at the second try", async () => (await depot.empty()) || gone());
    if (gone()) {
      const nak = server.wire.naks({ client: "van" })[0];
      fail(
        `\`deliver\` failed for P-1. P-1 was to come again 50 ms later, and has not come since${nak?.delayMs ? `: the van asked for it in ${nak.delayMs} ms` : ""}.`,
        {
          readme: nak?.delayMs ? "milliseconds-or-nanoseconds" : "no-answer-is-no-answer",
          evidence: nak?.delayMs ? [wireLine(nak, `nak of P-1, again in ${nak.delayMs} ms`)] : [],
        },
      );
    }
    const asks = () => server.wire.pulls({ client: "van" });
    await wait("the van to wait for the next parcel", async () => {
      const last = server.wire.deliveries({ client: "van" }).at(-1);
      return asks().some((pull) => pull.batch > 1 || pull.index > (last?.index ?? 0));
    });
    let told = false;
    believes("a-loop-sees-the-signal", {
      when: lasting(3_000, () => told && !van.settled),
      message:
        "The van was told to stop while it was waiting for the next parcel, and three seconds later it still waits. If a parcel comes now, the van takes it, though its day is over. Nothing ended the waiting: with `consume` and `fetch` that is `close()`, with `next` it is a short `expires`.",
      evidence: () => [
        ...asks()
          .slice(-1)
          .map((pull) =>
            wireLine(pull, `asks for the next parcel, for ${Math.round(pull.expiresMs ?? 0)} ms`),
          ),
        "the van was told to stop",
        "`runDelivery` is not done",
      ],
    });
    day.abort();
    told = true;
    await until("the van to go home", () => van.settled);
    await van.result();
    expect(ids(deliver.received), "P-1 is tried twice").toEqual(["P-1", "P-1"]);

    // A stop that has come does not come again.
    const late = await learner.start(
      "runDelivery",
      [server.connection("van 2"), deliver, { tries: 5, retryAfterMs: 50 }, AbortSignal.abort()],
      { name: "van 2" },
    );
    const waitsOn = lasting(2_500, () => !late.settled && server.wire.pulls({ client: "van 2" }).length > 0);
    await until("the van to see that its day is over", () => late.settled || waitsOn());
    if (!late.settled) {
      fail(
        "`stop` was set before the van began. It asked for a parcel all the same, and does not go home. A stop that has come does not come again: a listener that is added after it hears nothing.",
        {
          readme: "a-waiting-loop-sees-nothing",
          evidence: server.wire
            .pulls({ client: "van 2" })
            .slice(-1)
            .map((pull) => wireLine(pull)),
        },
      );
    }
    await late.result();
  },
);

check(
  "a van that was told to stop takes no parcel that comes then",
  {
    beliefs: {
      "asked-before-the-stop": {
        belief: "I look at the signal before I ask for a parcel, so I may deliver what comes.",
        readme: "a-waiting-loop-sees-nothing",
        hint: "How long may your program wait between its look at the signal and the parcel? What can happen meanwhile?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const depot = await openDepot(server);
    const deliver = hook<[Parcel], Promise<void>>(async () => {});
    /** The parcel before the stop; each try has one. */
    let no = 1;
    const lastPull = () => server.wire.pulls({ client: "van" }).slice(-1);
    /** A van that asks without waiting in the server asks again and again. */
    const keepsAsking = () =>
      server.seen((wire) => {
        const last = wire.deliveries({ client: "van" }).at(-1)?.index ?? 0;
        return wire.statuses({ client: "van", code: 404 }).filter(({ index }) => index > last).length > 1;
      }, false);
    believes("asked-before-the-stop", {
      when: () => deliver.calls.length > no,
      message: () =>
        `The van was waiting for a parcel when it was told to stop. Then P-${no + 1} came, and the van delivered it. It had asked for it before the stop, but a van whose day is over takes no new parcel.`,
      wire: () => [
        ...lastPull(),
        ...server.wire.of("program", { what: "told to stop" }).slice(-1),
        ...server.wire.deliveries((event) => idOf(event) === `P-${no + 1}`),
      ],
    });
    for (; ; no++) {
      // What a van before has left in the queue, or holds, is of no account any more.
      await depot.manager.streams.purge("PARCELS");
      await depot.sends(`P-${no}`);
      const next = `P-${no + 1}`;
      const day = new AbortController();
      const van = await learner.start(
        "runDelivery",
        [server.connection("van"), deliver, { tries: 5, retryAfterMs: 50 }, day.signal],
        { name: "van", powerOff: true },
      );
      const wait = whileAtWork(until, van);
      await wait(`P-${no} to be delivered`, depot.empty);
      await wait(
        "the van to wait for the next parcel",
        async () =>
          (await depot.manager.consumers.info("PARCELS", "delivery")).num_waiting > 0 || keepsAsking(),
      );
      const told = server.seen((wire) => wire.mark(), 0);
      day.abort();
      // It has heard that, and its pull may wait on. One who has taken it back did so in time: the server knows it, too.
      await van.answers(2);
      const takenBack = server.seen(
        (wire) => wire.of("unsubscribe", { client: "van" }).some(({ index }) => index >= told),
        false,
      );
      const long = lasting(1_000, () => true);
      if (takenBack)
        await wait(
          "the server to know of it",
          async () => (await depot.manager.consumers.info("PARCELS", "delivery")).num_waiting === 0 || long(),
        );
      // The way to the server is slow again, from its answer on.
      let answered = false;
      const onTheWay = server.seen(
        () =>
          server.relay.hold(
            (event) => {
              answered ||=
                ["ack", "nak", "term"].includes(event.kind) && "text" in event && idOf(event) === next;
              return answered && event.direction === "toServer";
            },
            { who: "van", what: "what the van sends" },
          ),
        undefined,
      );
      await depot.sends(next);
      await until(
        "the van to go home",
        () => van.exit || van.error || deliver.calls.length > no || onTheWay?.events.some(asksTheServer),
      );
      await van.answers(2);
      const tooEarly = answered && van.exit !== undefined;
      if (tooEarly) onTheWay?.drop();
      else onTheWay?.release();
      await van.result();
      await until(`${next} to be left`, () => deliver.calls.length === no);
      await until(
        "the van's connection to be gone",
        () => van.exit && server.seen((wire) => wire.of("disconnect", { client: "van" }).length >= no, true),
      );
      if (await depot.empty()) {
        fail(
          `The van was told to stop, and then ${next} came. The van did not deliver it, and told the server that it is done: no other van will ever get it.`,
          { readme: "an-ack-is-not-a-receipt" },
        );
      }
      const evidence = () =>
        server
          .seen((wire) => wire.by("van", "pull", "program", "delivery", "nak", "disconnect"), [])
          .slice(-5);
      if (tooEarly) {
        fail(
          `The van was told to stop, and then ${next} came. The van gave it back, and was switched off while its answer was still on the way. The answer was lost with the connection. So for ${quietAckWaitMs / 1_000} seconds, the \`ack_wait\`, no other van gets ${next}.`,
          { readme: "ack-does-not-send", evidence: evidence().map((event) => wireLine(event)) },
        );
      }
      // On a busy machine the pull may have run out before the parcel came, or the client's own patience with it. That proves nothing.
      const ranOut = server.seen(
        (wire) => wire.statuses({ code: 408 }).some(({ request }) => request === lastPull()[0]?.index),
        false,
      );
      const came = server.seen(
        (wire) => wire.deliveries((event) => event.client === "van" && idOf(event) === next)[0],
        undefined,
      );
      if (came && !answered) {
        const [pull] = lastPull();
        const gone = server.seen((wire) => wire.of("disconnect", { client: "van" }).at(-1), undefined);
        // A client whose patience was over lets the parcel fall, and its van goes home later than this. One whose loop was closed in
        // this very moment does so, too, but not three times.
        const inTime =
          pull !== undefined && gone !== undefined && gone.at - pull.at < 0.9 * (pull.expiresMs ?? 0);
        if (inTime && no === 3) {
          fail(
            `The van was waiting for a parcel when it was told to stop. Then ${next} came, and the van went home and told the server nothing about ${next}: for ${quietAckWaitMs / 1_000} seconds, the \`ack_wait\`, no other van gets it.`,
            { readme: "a-waiting-loop-sees-nothing", evidence: evidence().map((event) => wireLine(event)) },
          );
        }
      }
      if (no === 3 || (!ranOut && (answered || !came))) break;
    }
  },
);
