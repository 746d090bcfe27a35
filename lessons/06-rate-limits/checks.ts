// Lesson 06: how many parcels customs has at once, how fast labels come to a printer, and how many scans of an upload are on the way.
import {
  AckPolicy,
  type ConsumerConfig,
  DeliverPolicy,
  DiscardPolicy,
  millis,
  ReplayPolicy,
  RetentionPolicy,
  type StreamConfig,
} from "nats";
import {
  type Belief,
  type CheckServer,
  type EventOf,
  exercise,
  expect,
  type Fail,
  Finding,
  gate,
  type Hook,
  hook,
  type Lasting,
  type LearnerProgram,
  settingLine,
  subjectMatches,
  type Until,
  type Wrote,
  wireLine,
} from "../../checker/kit/index.ts";
import type { Parcel, Scan } from "./exercise.ts";

const { check } = exercise<typeof import("./exercise.ts")>();

/** How many parcels customs looks at at once. */
const places = 4;
/** How long customs may take for one parcel. */
const customsTakesMs = 10_000;

/** The depot: a work queue, and a stream for what customs refuses. */
async function openDepot(server: CheckServer, parcels: number, more: Record<string, string> = {}) {
  const manager = await server.manager();
  const jetstream = await server.jetstream();
  await manager.streams.add({
    name: "PARCELS",
    subjects: ["parcel.>"],
    retention: RetentionPolicy.Workqueue,
  });
  await manager.streams.add({ name: "REFUSED", subjects: ["refused.>"] });
  const all = Array.from(
    { length: parcels },
    (_, i): Parcel => ({ id: `P-${i + 1}`, value: 100 * (i + 1), ...more }),
  );
  const subject = (parcel: Parcel) => `parcel.${parcel.value % 200 ? "ams" : "lyon"}.declare`;
  for (const parcel of all) await jetstream.publish(subject(parcel), JSON.stringify(parcel));
  const messages = async (stream: string) => (await manager.streams.info(stream)).state.messages;
  return {
    manager,
    ids: all.map((parcel) => parcel.id),
    /** What each parcel of this number looks like in the stream REFUSED. */
    asRefused: (count: number) =>
      all.slice(0, count).map((parcel) => `refused.${subject(parcel)} ${JSON.stringify(parcel)}`),
    refused: async () => {
      const found: string[] = [];
      const { state } = await manager.streams.info("REFUSED");
      for (let seq = state.first_seq; state.messages > 0 && seq <= state.last_seq; seq++) {
        const message = await manager.streams.getMessage("REFUSED", { seq });
        found.push(`${message.subject} ${message.string()}`);
      }
      return inOrder(found, numberOf);
    },
    empty: async () => (await messages("PARCELS")) === 0,
  };
}

const ids = (list: readonly Parcel[]) => list.map((each) => each.id);

/** Sorted by their numbers. */
const inOrder = (list: readonly string[], number = (id: string) => Number(id.slice(2))) =>
  list.toSorted((a, b) => number(a) - number(b));
/** The number of the parcel that a text is about. */
const numberOf = (text: string) => Number(/P-(\d+)/.exec(text)?.[1] ?? 0);

/** Which parcel an event is about. */
const idOf = ({ text }: { text: string | undefined }) => /"id":"([^"]+)"/.exec(text ?? "")?.[1] ?? "?";

/** `until` for as long as programs have to be at work: when one ends too early, the check says so at once. */
function whileAtWork(until: Until, ...programs: LearnerProgram<void>[]): Until {
  return (what, condition) =>
    until(what, async () => {
      const value = await condition();
      if (value) return value;
      for (const program of programs) {
        if (!program.settled) continue;
        await program.result();
        throw new Finding({
          message: `\`${program.name}\` was done, though nobody had told it to stop, and there is work to do.`,
        });
      }
      return value;
    });
}

/** The way out for a refused parcel, in the same words wherever it got another answer. */
const storeThenAnswer =
  "A refused parcel is first stored on refused.<its subject>, and then gets a final answer.";

const silence: Belief = {
  belief: "When a job is over, its place is free.",
  readme: "without-an-answer-the-place-stays-taken",
  hint: "Customs is done with the parcel. Who else counts places, and what does it know?",
};

/** Customs has cleared parcels, and the server was told of none: the same words wherever it shows. */
function clearedInSilence(server: CheckServer, declare: Hook<[Parcel], Promise<void>>, lasting: Lasting) {
  const done = () => declare.calls.filter((call) => call.ended !== undefined).length;
  const told = () => server.wire.acks().length + server.wire.terms().length + server.wire.naks().length;
  const silent = lasting(800, () => done() >= 3 && told() === 0);
  return () => {
    if (!silent()) return;
    throw new Finding({
      diagnosis: "silence-frees-the-place",
      ...silence,
      message: `Customs has cleared ${done()} parcels, and the server has heard nothing about them. To the server they are still being worked on: their places stay taken, and they stay in the work queue.`,
      evidence: [
        `cleared by customs            ${done()}`,
        "ack, nak or term on the wire  none",
        ...server.wire
          .deliveries()
          .slice(0, 2)
          .map((event) => wireLine(event)),
      ],
    });
  };
}

/** A parcel came to a worker, and the worker does nothing with it. One that is only slow to begin has had its turn by then. */
function droppedOnArrival(server: CheckServer, declare: Hook<[Parcel], Promise<void>>, lasting: Lasting) {
  const dropped = () => {
    const known = new Set([
      ...ids(declare.received),
      ...[...server.wire.acks(), ...server.wire.terms(), ...server.wire.naks()].map(idOf),
    ]);
    return server.wire.deliveries().find((event) => !known.has(idOf(event)));
  };
  let last: EventOf<"delivery"> | undefined;
  const forgotten = lasting(1_500, () => {
    const before = last;
    last = dropped();
    return last !== undefined && last === before;
  });
  return () => {
    if (!forgotten() || !last) return;
    const delivery = last;
    throw new Finding({
      readme: silence.readme,
      hint: "Which of your requests for parcels had just ended when this one came? A `next` or a `fetch` that ends in that moment drops what comes.",
      message: `${idOf(delivery)} came to ${delivery.client ?? "a worker"}, which neither declares it nor gives it back. To the server it is being worked on until the \`ack_wait\` is over.`,
      evidence: [wireLine(delivery)],
    });
  };
}

check(
  "customs never has more than four parcels, however many workers there are",
  {
    budgetMs: 12_000,
    beliefs: {
      "ack-on-arrival": {
        belief: "The limit counts the messages that my workers are working on.",
        readme: "the-server-counts-what-has-no-ack",
        hint: "What does the server know of a parcel after the ack? When does it think that a place is free?",
      },
      "limit-per-worker": {
        belief: "If every worker keeps to the limit, the limit is kept.",
        readme: "a-limit-in-a-program-is-a-limit-of-one-program",
        hint: "How many parcels does customs have when two workers each keep to your limit? Who sees the parcels of all workers?",
      },
      "only-the-dead-are-redelivered": {
        belief: "A parcel is delivered a second time only when its worker has died.",
        readme: "a-slow-parcel-comes-twice",
        hint: "How long may customs take for one parcel? What does the server think of a parcel that has had no answer for as long as the `ack_wait`?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const depot = await openDepot(server, 12);
    const door = gate();
    const declare = hook<[Parcel], Promise<void>>(() => door.wait());
    const started: LearnerProgram<void>[] = [];
    const startWorker = async () => {
      const name = `worker ${started.length + 1}`;
      started.push(
        await learner.start(
          "runCustoms",
          [server.connection(name), { places, declare }, new AbortController().signal],
          { name },
        ),
      );
    };
    let taken = false;
    /** Parcels at customs, each counted once. */
    const atCustoms = () =>
      new Set(ids(declare.calls.filter((call) => call.ended === undefined).map((call) => call.args[0]))).size;
    /** How many of the parcels at customs one worker was given. */
    const atCustomsOf = (name: string | undefined) => {
      const here = ids(declare.calls.filter((call) => call.ended === undefined).map((call) => call.args[0]));
      const given = new Set(server.wire.deliveries(({ client }) => client === name).map(idOf));
      return new Set(here.filter((id) => given.has(id))).size;
    };
    const limited = () => maxAckPending > 0 && maxAckPending <= places;
    const greedy = () =>
      limited() ? undefined : started.find(({ name }) => atCustomsOf(name) > places)?.name;
    let ackWaitMs = 30_000;
    let maxAckPending = 0;
    const redelivered = () =>
      server.wire
        .redeliveries()
        .filter(({ deliveryCount }) => deliveryCount > 1 && server.wire.inProgress().length === 0);
    const done = () => declare.calls.filter((call) => call.ended !== undefined).length;
    const answers = () => server.wire.acks().length + server.wire.terms().length;
    const perWorker = () =>
      started.map(({ name }) => `${name}  got ${server.wire.deliveries({ client: name }).length} parcels`);
    believes("ack-on-arrival", {
      when: () => declare.running > places && answers() > done(),
      message: () =>
        `Customs has ${declare.running} parcels at once; it has ${places} places. The parcels were acked before customs was done with them. To the server a parcel with an ack is finished, so it sends the next one.`,
      evidence: () => [...perWorker(), `acks on the wire  ${answers()}`, `parcels finished  ${done()}`],
      wire: () => [...server.wire.deliveries().slice(0, 1), ...server.wire.acks().slice(0, 2)],
    });
    believes("only-the-dead-are-redelivered", {
      when: () => ackWaitMs <= customsTakesMs && redelivered().length > 0 && server.wire.naks().length === 0,
      message: () =>
        `${idOf(redelivered()[0] ?? { text: undefined })} was delivered a second time while customs still had it. The consumer's \`ack_wait\` is ${ackWaitMs / 1_000} s, and customs takes up to ten seconds. A parcel without an answer for so long is given out again, also when its worker lives.`,
      evidence: () => [`consumer \`customs\`: ack_wait ${ackWaitMs} ms`, "customs takes up to 10000 ms"],
      wire: () => {
        const [again] = redelivered();
        return server.wire.deliveries(({ streamSeq }) => streamSeq === again?.streamSeq).slice(0, 2);
      },
    });
    believes("limit-per-worker", {
      // The whole story is to be seen: all workers are there, and have taken what they can.
      when: () => taken && atCustoms() > places && answers() <= done(),
      message: () =>
        `Customs has ${atCustoms()} parcels at once; it has ${places} places, for all of our workers together. ${greedy() ? `${atCustomsOf(greedy())} of them were taken by ${greedy()} alone: \`max_messages\` is the size of one order, and a worker orders again and again. The limit is the consumer's \`max_ack_pending\`, and that is ${maxAckPending > 0 ? maxAckPending : "without end"}.` : "Each worker may keep to a limit, but none knows what the others do."}`,
      evidence: () => [
        ...perWorker(),
        `at customs now  ${atCustoms()}`,
        `consumer \`customs\`: max_ack_pending ${maxAckPending}`,
      ],
      wire: () => started.flatMap(({ name }) => server.wire.pulls({ client: name }).slice(0, 1)),
    });
    await startWorker();
    await whileAtWork(until, ...started)("customs to have a parcel", () => declare.running > 0);
    await startWorker();
    await startWorker();
    const wait = whileAtWork(until, ...started);
    await wait("all three workers to ask for parcels", () =>
      started.every(({ name }) => server.wire.pulls({ client: name }).length > 0),
    );
    for (const worker of started) await worker.answers();
    // Customs finishes nothing yet: whatever the workers take is there at once.
    let before = 0;
    const still = lasting(250, () => {
      const same = declare.running === before;
      before = declare.running;
      return same;
    });
    const { config } = await depot.manager.consumers.info("PARCELS", "customs");
    const { max_deliver = -1, inactive_threshold = 0 } = config;
    if (max_deliver === 1) {
      fail(
        "The consumer's `max_deliver` is 1: the server delivers each parcel once and never again. A parcel that a worker gives back, or has when it dies, stays in the work queue, and no worker gets it any more.",
        {
          readme: "a-slow-parcel-comes-twice",
          hint: "Who declares a parcel that was delivered once and has no final answer?",
          evidence: [`consumer \`customs\`: max_deliver ${max_deliver}`],
        },
      );
    }
    if (inactive_threshold > 0 && millis(inactive_threshold) <= customsTakesMs) {
      fail(
        `The consumer's \`inactive_threshold\` is ${millis(inactive_threshold) / 1_000} s. When no worker asks for parcels for so long, the server deletes the consumer, and with it the count of the parcels at customs. Customs takes up to ten seconds.`,
        {
          readme: "a-name-is-not-a-durable",
          hint: "For how long may nobody ask when all places are taken? What does the server do with the consumer then?",
          evidence: [`consumer \`customs\`: inactive_threshold ${millis(inactive_threshold)} ms`],
        },
      );
    }
    ackWaitMs = config.ack_wait ? millis(config.ack_wait) : ackWaitMs;
    maxAckPending = config.max_ack_pending ?? 0;
    await wait("the workers to take what they can", still);
    taken = true;
    // With no more time than customs takes, a worker has to say that it is still at work: the time runs from the delivery.
    if (ackWaitMs <= customsTakesMs && atCustoms() <= places)
      await wait("a worker to say that it is still at work", () => server.wire.inProgress().length > 0);
    if (declare.running > places) {
      const text = `customs has ${declare.running} parcels at once, and ${places} places`;
      server.wire.note({ kind: "note", text });
    }
    await wait("customs to have no more than it can take", () => declare.running <= places);
    door.open();
    const silent = clearedInSilence(server, declare, lasting);
    const dropped = droppedOnArrival(server, declare, lasting);
    await wait("all parcels to be declared", () => {
      silent();
      dropped();
      return depot.empty();
    });
    await wait("customs to be done", () => declare.running === 0);
    expect(declare.peak, "The most parcels that customs had at once").toBeLessThanOrEqual(places);
    expect(inOrder(ids(declare.received)), "Each parcel is declared once").toEqual(depot.ids);
    for (const worker of started) await worker.kill();
  },
);

check(
  "customs is kept busy",
  {
    budgetMs: 8_000,
    beliefs: {
      "one-at-a-time": {
        belief: "With a limit of four, four are worked on at once.",
        readme: "awaiting-each-job-uses-one-place",
        hint: "What does your loop do while it waits for the first parcel to be cleared? Does it look for a second one?",
      },
      "batch-waits-for-the-slowest": {
        belief: "A batch as large as the limit uses all places.",
        readme: "a-batch-waits-for-its-slowest",
        hint: "Three of four parcels are done, the fourth takes long. What does your program wait for before it asks for more?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    // This office has another number of places than the others.
    const places = 5;
    const parcels = 12;
    const depot = await openDepot(server, parcels);
    const slow = gate();
    const quick = gate();
    const rest = gate();
    const between = gate();
    const doors = new Map([
      ...["P-1", "P-12"].map((id) => [id, slow] as const),
      ...["P-2", "P-3", "P-4", "P-5"].map((id) => [id, quick] as const),
      ["P-11", between] as const,
    ]);
    const declare = hook<[Parcel], Promise<void>>(({ id }) => (doors.get(id) ?? rest).wait());
    const day = new AbortController();
    const worker = await learner.start(
      "runCustoms",
      [server.connection("worker"), { places, declare }, day.signal],
      { name: "worker" },
    );
    const done = () => declare.calls.filter((call) => call.ended !== undefined).length;
    const waiting = () => parcels - declare.calls.length;
    const finals = () => [...server.wire.acks(), ...server.wire.terms(), ...server.wire.naks()];
    believes("one-at-a-time", {
      when: lasting(1_000, () => declare.running > 0 && declare.running < places && done() === 0),
      message: () =>
        `Customs has ${declare.running === 1 ? "one parcel" : `${declare.running} parcels`} and ${places} places, and ${waiting()} parcels wait. The worker waits for customs to be done before it goes on, so the other places stay empty.`,
      evidence: () => [
        `at customs   ${declare.running}`,
        `free places  ${places - declare.running}`,
        `waiting      ${waiting()}`,
      ],
      wire: () => server.wire.by("worker", "delivery", "ack"),
    });
    believes("batch-waits-for-the-slowest", {
      when: lasting(
        1_000,
        () => done() >= 4 && finals().length > 0 && declare.running === 1 && waiting() > 0,
      ),
      message: () =>
        `Customs has cleared four parcels, and has one that takes long. Four places are free, ${waiting()} parcels wait, and the worker declares none of them: it waits for the slow one.`,
      evidence: () => [
        `cleared      ${done()}`,
        `at customs   ${declare.running}`,
        `free places  ${places - declare.running}`,
        `waiting      ${waiting()}`,
      ],
      wire: () => server.wire.by("worker", "ack", "pull").slice(-4),
    });
    const wait = whileAtWork(until, worker);
    await wait("customs to have a parcel", () => declare.running > 0);
    const consumer = await depot.manager.consumers.info("PARCELS", "customs").catch(() => undefined);
    const limit = consumer?.config.max_ack_pending ?? 0;
    if (limit > 0 && limit < places) {
      fail(
        `The consumer's \`max_ack_pending\` is ${limit}, and this customs office has ${places} places. The server never gives out more than ${limit} parcels, so a place stays empty, whatever the workers do. \`customs.places\` says how many there are.`,
        {
          readme: "work-in-progress-max_ack_pending",
          evidence: [
            `customs.places                        ${places}`,
            `consumer \`customs\`  max_ack_pending  ${limit}`,
          ],
        },
      );
    }
    await wait("all places of customs to be taken", () => declare.running >= places);
    quick.open();
    const silent = clearedInSilence(server, declare, lasting);
    await wait("the free places to be taken again", () => {
      silent();
      return done() === 4 && declare.running >= places;
    });
    rest.open();
    await wait("the quick parcels to be cleared", () => done() === 9 && declare.running === 3);
    // Who asks for the next parcel, and does not hear the stop meanwhile, is to have asked.
    const calm = lasting(300, () => true);
    await wait("the worker to ask for more parcels", async () => {
      const info = await depot.manager.consumers.info("PARCELS", "customs").catch(() => undefined);
      return (info?.num_waiting ?? 0) > 0 || calm();
    });
    // The worker is told to stop while customs still has parcels.
    day.abort();
    await worker.answers();
    const waitsForCustoms = async (patient: () => boolean) => {
      await until("the worker to wait for its last parcels", () => worker.settled || patient());
      if (!worker.settled) return;
      await worker.result();
      fail(
        "`runCustoms` was done, though customs still had a parcel of this worker. Whoever started it ends the process now, and the answer of customs reaches nobody.",
        {
          readme: "stop-taking-is-not-being-done",
          hint: "What has your worker started and not finished when its loop is over? Who waits for it?",
          evidence: [
            `at customs  ${declare.running}`,
            `declared    ${declare.calls.length} of ${parcels}`,
            `cleared     ${done()}`,
          ],
        },
      );
    };
    // Longer than it takes to stop asking: a worker that waits for its parcels is not done then.
    await waitsForCustoms(lasting(1_000, () => true));
    // Those that it took first and last are done; one of those between is not.
    slow.open();
    await until("the first and the last parcel to be cleared", () => declare.running === 1);
    await worker.answers(2);
    await waitsForCustoms(lasting(200, () => true));
    between.open();
    await until("the worker to stop", () => worker.settled);
    await worker.result();
    worker.leavesConnectionOpen();
    await until("all parcels to leave the work queue", depot.empty);
    expect(inOrder(ids(declare.received)), "Each parcel is declared once").toEqual(depot.ids);
  },
);

check(
  "a worker that is told to stop early has heard it",
  {
    budgetMs: 6_000,
    beliefs: {
      "a-stop-waits-for-its-listener": {
        belief: "A stop that came before is heard by whoever listens later.",
        readme: "a-stop-that-came-before",
        hint: "From when on does your program listen? Who tells it of a stop that came before?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    await openDepot(server, 2);
    const declare = hook<[Parcel], Promise<void>>();
    const start = (name: string, stop: AbortSignal) =>
      learner.start("runCustoms", [server.connection(name), { places, declare }, stop], { name });
    const day = new AbortController();
    // The second one is told while it waits for the server's word about the consumer.
    const word = server.relay.hold(
      (event) => event.kind === "apiReply" && event.call.startsWith("CONSUMER."),
      { who: "worker 2", what: "the answer about the consumer" },
    );
    const first = await start("worker 1", AbortSignal.abort());
    const second = await start("worker 2", day.signal);
    /** It waits for parcels, or asks for them again and again. Who has asked and taken the request back has heard the stop. */
    const asks = (name: string) => {
      const pulls = server.wire.pulls({ client: name });
      const ended = new Set(server.wire.of("unsubscribe", { client: name }).map(({ sid }) => sid));
      // One with a wildcard is for the answers to all of the program's requests, and is never ended.
      const inboxes = server.wire.of(
        "subscribe",
        ({ client, subject }) => client === name && !subject.endsWith("*"),
      );
      const takenBack = inboxes.length > 0 && inboxes.every(({ sid }) => ended.has(sid));
      return pulls.length > 1 || (pulls.length === 1 && !takenBack);
    };
    /** Told to stop, and asks for parcels: nothing ends it any more. */
    const deaf = () => [first, second].find(({ name, settled }) => !settled && asks(name));
    const goesOn = lasting(1_500, () => day.signal.aborted && deaf() !== undefined);
    believes("a-stop-waits-for-its-listener", {
      when: () => goesOn() && declare.running === 0,
      message: () =>
        `${deaf() === first ? "`stop` was set before worker 1 began" : "Worker 2 was told to stop while it waited for the server's word about the consumer"}. It asked for parcels all the same, and \`runCustoms\` does not end. A stop that has come does not come again.`,
      evidence: () => [
        `worker 1, told before it began         ${first.settled ? "done" : "not done"}`,
        `worker 2, told while it set itself up  ${second.settled ? "done" : "not done"}`,
      ],
      wire: () => server.wire.by(deaf()?.name ?? "", "program", "pull"),
    });
    await until("the second worker to ask for the consumer", () => word.events.length > 0 || second.settled);
    day.abort();
    await second.answers();
    word.release();
    /** It has taken its request back, no parcel has come to it, and it does not end. */
    const stuck = () =>
      [first, second].find(
        ({ name, settled }) => !settled && server.wire.pulls({ client: name }).length > 0 && !asks(name),
      );
    const staysStuck = lasting(2_000, () => stuck() !== undefined && declare.calls.length === 0);
    await until("both workers to be done", () => {
      if (staysStuck()) {
        fail(
          `${stuck()?.name} was told to stop before it had a parcel. It has heard it, and asks for none any more. \`runCustoms\` still does not end: it awaits something that does not come.`,
          {
            readme: "stop-taking-is-not-being-done",
            hint: "What does your program await at the end when it has started no parcel at all?",
            evidence: server.wire
              .by(stuck()?.name ?? "", "pull", "unsubscribe")
              .map((event) => wireLine(event)),
          },
        );
      }
      return first.settled && second.settled;
    });
    await first.result();
    await second.result();
    for (const each of [first, second]) each.leavesConnectionOpen();
  },
);

check(
  "a refused parcel gives its place back",
  {
    beliefs: {
      "silence-frees-the-place": silence,
      "nak-frees-the-place": {
        belief: "A nak gives the message back, so it does not count any more.",
        readme: "a-nak-with-a-delay-keeps-the-place",
        hint: "Where is a parcel while the delay of its nak runs? Does the server count it as given away?",
      },
      "nak-puts-it-at-the-end": {
        belief: "A nak puts the message at the end of the queue, behind all others.",
        readme: "a-bare-nak-takes-the-place-again",
        hint: "Which parcel gets the place that became free? Look at how often the same parcel was declared.",
      },
      "term-keeps-the-parcel": {
        belief: "A parcel that was ended with a term is kept somewhere.",
        readme: "a-term-keeps-nothing",
        hint: "Where in the server could somebody find a refused parcel now? What does a work queue do with a message that has its final answer?",
      },
      "published-is-stored": {
        belief: "When publish was called, the copy is stored.",
        readme: "first-the-copy-then-the-answer",
        hint: "Two things happen to a refused parcel. Which one may not fail after the other was done, and how does your program know that it has happened?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    // A parcel has more to it than what the program reads: the copy has to have it, too.
    const depot = await openDepot(server, 6, { sender: "S-7" });
    const good = ["P-5", "P-6"];
    const declare = hook<[Parcel], Promise<void>>(async ({ id }) => {
      if (!good.includes(id)) throw new Error("Refused");
    });
    const worker = await learner.start(
      "runCustoms",
      [server.connection("worker"), { places, declare }, new AbortController().signal],
      { name: "worker" },
    );
    const timesOf = (id: string) => ids(declare.received).filter((each) => each === id).length;
    const again = () => ids(declare.received).find((id) => timesOf(id) >= 3);
    const naks = () => server.wire.naks();
    const finals = () => [...server.wire.acks(), ...server.wire.terms()];
    const stuck = () => declare.calls.length === places && declare.running === 0 && finals().length === 0;
    believes("nak-puts-it-at-the-end", {
      when: () => naks().length > 0 && again() !== undefined,
      message: () =>
        `Customs refused ${again()}, and your program answered with a nak. So the server gives the parcel back, before those that wait, and it was declared ${timesOf(again() ?? "")} times. A nak means "once more, please", with a delay or without. ${storeThenAnswer}`,
      evidence: () => [
        ...depot.ids.map((id) => `${id}  declared ${timesOf(id)} times`),
        ...naks()
          .slice(0, 1)
          .map((nak) =>
            wireLine(nak, `nak of ${idOf(nak)}${nak.delayMs ? `, again in ${nak.delayMs} ms` : ""}`),
          ),
      ],
    });
    believes("nak-frees-the-place", {
      when: lasting(800, () => stuck() && naks().length > 0),
      message: () =>
        `Customs refused four parcels, and your program answered with a nak and a delay. Two good parcels wait, but the server sends none. Until the delay is over it counts the four as given away, and so all ${places} places as taken. A nak without a delay is no better: the parcel comes back at once. ${storeThenAnswer}`,
      evidence: async () => [
        ...naks()
          .slice(0, places)
          .map((nak) => wireLine(nak, `nak of ${idOf(nak)}, again in ${nak.delayMs ?? 0} ms`)),
        `num_ack_pending  ${(await depot.manager.consumers.info("PARCELS", "customs")).num_ack_pending}`,
      ],
    });
    believes("silence-frees-the-place", {
      when: lasting(1_000, () => stuck() && naks().length === 0),
      message: () =>
        `Customs refused four parcels, and the server has heard nothing about them. To the server they are still being worked on, so all ${places} places are taken, and two good parcels wait. ${copies().length > 0 ? "Their copies are on refused.<subject>; what is missing is a final answer for each parcel." : storeThenAnswer}`,
      evidence: async () => [
        `refused by customs            ${declare.calls.length}`,
        "ack, nak or term on the wire  none",
        `num_ack_pending               ${(await depot.manager.consumers.info("PARCELS", "customs")).num_ack_pending}`,
      ],
      wire: () => server.wire.deliveries({ client: "worker" }),
    });
    let over = false;
    const copies = () =>
      server.wire.publishes(({ client, subject }) => client === "worker" && subject.startsWith("refused."));
    /** A refused parcel's copy, the confirmation of the copy, and the final answer to the parcel. */
    const kept = () =>
      copies().flatMap((copy) => {
        const answer = finals().find((final) => idOf(final) === idOf(copy));
        const stored = server.wire.pubAcks(({ publish }) => publish === copy.index)[0];
        return answer ? [{ copy, answer, stored }] : [];
      });
    const unconfirmed = () =>
      kept().find(
        ({ copy, answer, stored }) => copy.index < answer.index && !(stored && stored.index < answer.index),
      );
    believes("term-keeps-the-parcel", {
      when: () => over && copies().length === 0,
      message:
        "Customs refused four parcels. They have left the work queue, and nothing was published on refused.<subject>: the parcels are nowhere now. A final answer, ack or term, ends a message; it keeps no copy.",
      evidence: () => ["published on refused.>  0"],
      wire: () => finals().filter((event) => !good.includes(idOf(event))),
    });
    believes("published-is-stored", {
      when: () => over && unconfirmed() !== undefined,
      message: () =>
        `${idOf(unconfirmed()?.answer ?? { text: undefined })} was refused, and its final answer went to the server ${unconfirmed()?.stored ? "before the stream REFUSED had confirmed the copy" : "though nobody confirms the copy: a core publish has no PubAck"}. If the copy is not stored, the parcel is nowhere.`,
      wire: () => {
        const { copy, answer, stored } = unconfirmed() ?? {};
        return [copy, answer, stored].filter((event) => event !== undefined);
      },
    });
    const wait = whileAtWork(until, worker);
    await wait("the good parcels to be declared", () => good.every((id) => timesOf(id) > 0));
    await wait("all parcels to leave the work queue", depot.empty);
    await wait("what the worker has said to be seen", () => finals().length >= depot.ids.length);
    over = true;
    await wait(
      "each refused parcel to be published on refused.<its subject>",
      async () => (await depot.refused()).length >= 4,
    );
    expect(
      await depot.refused(),
      "A refused parcel is in the stream REFUSED as it was, on refused.<its subject>",
    ).toEqual(depot.asRefused(4));
    const early = kept().find(({ copy, answer }) => answer.index < copy.index);
    if (early) {
      fail(
        `${idOf(early.copy)} was refused, and it had its final answer before the copy was published. If the worker dies between the two, the parcel is nowhere.`,
        {
          readme: "first-the-copy-then-the-answer",
          evidence: [early.answer, early.copy].map((event) => wireLine(event)),
        },
      );
    }
    expect(inOrder(ids(declare.received)), "Each parcel is declared once").toEqual(depot.ids);
    await worker.kill();
  },
);

/** Where labels are published: the stream is for all subjects below `label`. */
const labelSubjects = ["label.ams.print", "label.lyon", "label.van.3.new"];

/** A night without the printer: so long, and with so many labels, nothing of the line may be lost. */
const overnight = { ms: 24 * 3_600_000, labels: 1_000 };

/** What would keep labels from the printer: in the settings it is seen at once, and with its name. */
function wantWholeLine(stream: StreamConfig, consumer: ConsumerConfig, fail: Fail): void {
  const because = (setting: string, value: unknown, readme: string, message: string) =>
    fail(message, { readme, evidence: [`${setting}  ${JSON.stringify(value)}`] });
  const { replay_policy, headers_only, deliver_group, inactive_threshold = 0 } = consumer;
  const filters = [consumer.filter_subject, ...(consumer.filter_subjects ?? [])].filter(
    (filter) => filter !== undefined && filter !== "",
  );
  const leftOut = labelSubjects.find(
    (subject) => !filters.some((filter) => subjectMatches(filter ?? "", subject)),
  );
  if (filters.length > 0 && leftOut) {
    because(
      "consumer `printer`  filter",
      filters,
      "a-rate-rate_limit_bps",
      `The consumer \`printer\` has the filter ${filters.join(", ")}, and so it does not bring a label on ${leftOut}. It is to bring every label in the stream.`,
    );
  }
  if (headers_only) {
    because(
      "consumer `printer`  headers_only",
      headers_only,
      "a-rate-rate_limit_bps",
      "The consumer `printer` has `headers_only`: the server sends the headers of each label, and not the label.",
    );
  }
  if (deliver_group) {
    because(
      "consumer `printer`  deliver_group",
      deliver_group,
      "a-rate-rate_limit_bps",
      `The consumer \`printer\` has the \`deliver_group\` ${deliver_group}: the server sends labels only to subscribers of this queue group. The printer listens on its subject, and is in no group.`,
    );
  }
  if (replay_policy === ReplayPolicy.Original) {
    because(
      "consumer `printer`  replay_policy",
      replay_policy,
      "a-rate-rate_limit_bps",
      "The consumer `printer` has the `replay_policy` original: the server sends stored labels as far apart as they were published. They are to come as fast as the printer can take them.",
    );
  }
  if (inactive_threshold > 0 && millis(inactive_threshold) < overnight.ms) {
    because(
      "consumer `printer`  inactive_threshold, in nanoseconds",
      inactive_threshold,
      "a-name-is-not-a-durable",
      `The consumer \`printer\` is durable, but it has an \`inactive_threshold\` of ${millis(inactive_threshold) / 1_000} s. When the printer has not listened for so long, the server deletes the consumer, and no label is printed any more.`,
    );
  }
  if (stream.max_age > 0 && millis(stream.max_age) < overnight.ms) {
    because(
      "stream LABELS  max_age, in nanoseconds",
      stream.max_age,
      "a-rate-rate_limit_bps",
      `The stream LABELS has a \`max_age\` of ${millis(stream.max_age) / 1_000} s: a label that is older is deleted, also when it is not printed yet. The stream is to keep labels while the printer is off overnight.`,
    );
  }
  const room = {
    max_msgs: stream.max_msgs,
    max_msgs_per_subject: stream.max_msgs_per_subject,
    max_bytes: stream.max_bytes > 0 ? Math.ceil(stream.max_bytes / 1_000) : -1,
  };
  for (const [setting, labels] of Object.entries(room)) {
    if (labels <= 0 || labels >= overnight.labels) continue;
    const value = stream[setting as keyof typeof room];
    because(
      `stream LABELS  ${setting}`,
      value,
      "a-rate-rate_limit_bps",
      `The stream LABELS has \`${setting}\` ${value}, and that is room for fewer than ${overnight.labels} labels of 1000 bytes. What comes beyond that is refused, or pushes out a label that is not printed yet. The stream is to keep labels while the printer is off overnight.`,
    );
  }
}

check(
  "labels reach the printer no faster than its line",
  {
    beliefs: {
      "rate-on-pull": {
        belief: "A rate limit is a setting of any consumer.",
        readme: "a-rate-needs-a-push-consumer",
        hint: "Who decides the speed when a client asks for each message? To which kind of consumer does a rate belong?",
      },
      "push-waits-for-the-printer": {
        belief: "A push consumer sends no faster than the receiver can take.",
        readme: "a-push-consumer-does-not-wait",
        hint: "How would the server learn how fast the printer prints? It answers nothing.",
      },
      "bytes-for-bits": {
        belief: "A rate is a number of bytes.",
        readme: "bits-not-bytes",
        hint: "What does the last letter of the setting stand for? In which unit is the line given?",
      },
      "rate-holds-from-the-start": {
        belief: "A rate limit holds from the first message on.",
        readme: "the-burst",
        hint: "All labels were there within milliseconds, and yet the rate is set. How much may a limiter let through at once, and where is that written?",
      },
      "burst-is-the-payload": {
        belief: "A burst as large as the largest label is enough for the largest label.",
        readme: "a-burst-that-is-too-small",
        hint: "What else of a message goes over the line, apart from its payload? What does a limiter do with a message that can never fit?",
      },
      "every-consumer-needs-acks": {
        belief: "Explicit acks are right for every consumer.",
        readme: "a-printer-cannot-ack",
        hint: "Who answers for a label that came to the printer? What does the server do with a label that has no answer?",
      },
      "a-name-is-durable": {
        belief: "A consumer with a name stays in the server.",
        readme: "a-name-is-not-a-durable",
        hint: "The printer is switched off overnight. Is its consumer still there in the morning? Which setting says so?",
      },
      "signs-of-life-for-a-printer": {
        belief: "A heartbeat is good for every receiver.",
        readme: "a-push-consumer-does-not-wait",
        hint: "What comes to the printer's subject when no label is printed for an hour? Who would have to understand it?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const largestLabel = 1_000;
    const bytesPerSecond = 25_000;
    const count = 10;
    const line = { subject: "printer.ams", bytesPerSecond, largestLabel };
    const setup = await learner.start("openPrinter", [server.connection("setup"), line]);
    let stream: StreamConfig | undefined;
    let consumer: ConsumerConfig | undefined;
    const arrivals: number[] = [];
    let listening = false;
    let printedAll = false;
    const rate = () => consumer?.rate_limit_bps ?? 0;
    const burst = () => stream?.max_msg_size ?? -1;
    const stored = () => [
      `stream LABELS       max_msg_size    ${burst() > 0 ? burst() : "not set"}`,
      `consumer \`printer\`  rate_limit_bps  ${rate() || "not set"}`,
    ];
    const printed = () =>
      arrivals.length === 0
        ? "labels at the printer: none"
        : `labels at the printer: ${arrivals.length} within ${Math.round(arrivals.at(-1) ?? 0)} ms`;
    /** The call that made the consumer. */
    const made = () =>
      server.wire
        .of("api", (event) => event.client === "setup" && event.call.startsWith("CONSUMER."))
        .slice(0, 1);
    const waitsForAcks = () =>
      consumer?.deliver_subject !== undefined &&
      consumer.ack_policy !== AckPolicy.None &&
      consumer.max_deliver !== 1;
    /** Long enough for what has no rate to show it, which is the first thing to say. */
    const listened = lasting(500, () => listening);
    believes("rate-on-pull", {
      when: () =>
        (setup.error as { api_error?: { err_code?: number } } | undefined)?.api_error?.err_code === 10086,
      message: () => {
        const policy = /"ack_policy":"(\w+)"/.exec(made().at(-1)?.text ?? "")?.[1] ?? "none";
        return `The server did not make the consumer: a pull consumer cannot have a rate limit. There the client decides when it asks; the printer asks for nothing. A push consumer has a \`deliver_subject\`, and this one has none.${policy === "none" ? "" : ` It also waits for acks (ack_policy ${policy}), which a printer does not send.`}`;
      },
      evidence: () => [`the server answered: ${setup.error?.message} (10086)`],
      wire: () => server.wire.of("apiReply", { client: "setup", ok: false }),
    });
    believes("bytes-for-bits", {
      when: () => consumer !== undefined && Math.abs(rate() / bytesPerSecond - 1) < 0.2,
      message: () =>
        `The printer takes ${bytesPerSecond} bytes a second. The consumer was given the rate ${rate()}, and that is in bits: an eighth of what the printer can take.`,
      evidence: () => [
        ...stored(),
        ...server.wire
          .of("api", (event) => event.text?.includes("rate_limit_bps") === true)
          .map((event) => settingLine(event, "rate_limit_bps")),
      ],
    });
    believes("push-waits-for-the-printer", {
      when: () => rate() === 0 && arrivals.length > 2,
      message: () =>
        `The consumer sends the labels as fast as the network takes them. The printer takes ${bytesPerSecond} bytes a second, and has room for one label more; it loses the rest.${waitsForAcks() ? ` And the consumer waits for acks (ack_policy ${consumer?.ack_policy}), which a printer does not send.` : ""}`,
      evidence: () => [...stored(), printed()],
      wire: () => server.wire.deliveries({ client: "printer" }),
    });
    believes("rate-holds-from-the-start", {
      when: () => rate() > 0 && (burst() <= 0 || burst() > 2 * largestLabel) && arrivals.length > 2,
      message: () =>
        `The rate is set, and still the labels come at once. A limiter lets a burst through before it slows down, and here the burst is ${burst() > 0 ? `${burst()} bytes` : "as large as the largest message that the server takes, a megabyte"}. The printer has room for one label besides the one that it prints.`,
      evidence: () => [...stored(), printed()],
      wire: () => server.wire.deliveries({ client: "printer" }),
    });
    believes("burst-is-the-payload", {
      when: lasting(
        1_000,
        () =>
          listening &&
          arrivals.length === 0 &&
          rate() > 0 &&
          burst() >= largestLabel &&
          // The subjects of a label are shorter than this: with a larger burst it is something else.
          burst() < largestLabel + 200,
      ),
      message: () =>
        `The printer listens, and no label comes. A label of ${largestLabel} bytes goes over the line with its subjects, and with them it is larger than the burst of ${burst()} bytes. The limiter waits for a moment that never comes.`,
      evidence: () => [...stored(), printed()],
      wire: () => server.wire.by("printer", "subscribe", "delivery"),
    });
    believes("every-consumer-needs-acks", {
      when: () => waitsForAcks() && (rate() > 0 || listened()),
      message: () =>
        `The consumer waits for acks (ack_policy ${consumer?.ack_policy}), and the printer answers nothing. A label without an ack for ${millis(consumer?.ack_wait ?? 0) / 1_000} s is sent again, and again: each label is printed many times.`,
      evidence: () => made().map((event) => settingLine(event, "ack_policy")),
    });
    believes("a-name-is-durable", {
      when: () => consumer !== undefined && !consumer.durable_name,
      message: () =>
        `The consumer \`printer\` has a name, and is not durable. When the printer has not listened for ${millis(consumer?.inactive_threshold || 5_000_000_000) / 1_000} s, the server deletes it, and no label is printed any more.`,
      evidence: () => made().map((event) => settingLine(event, "durable_name")),
    });
    believes("signs-of-life-for-a-printer", {
      when: () => printedAll && (consumer?.idle_heartbeat ?? 0) > 0,
      message: () =>
        `The consumer has \`idle_heartbeat\` ${millis(consumer?.idle_heartbeat ?? 0) / 1_000} s${consumer?.flow_control ? ", for its `flow_control`" : ""}. When there is no label for so long, the server sends an empty message of its own to ${line.subject}. A NATS client knows what that is. The printer does not: it is to get labels, and nothing else.`,
      evidence: () => made().map((event) => settingLine(event, "idle_heartbeat")),
    });
    await setup.result();
    const manager = await server.manager();
    const missing = () => undefined;
    stream = (await manager.streams.info("LABELS").catch(missing))?.config;
    consumer = (await manager.consumers.info("LABELS", "printer").catch(missing))?.config;
    if (!stream || !consumer) {
      throw new Finding({
        message: `\`openPrinter\` is done, but the server has no ${stream ? "consumer `printer`" : "stream LABELS"}.`,
      });
    }
    // What the server has stored says more than a wait for labels that cannot come.
    const { deliver_subject, deliver_policy } = consumer;
    await until("a consumer that lasts", () => Boolean(consumer?.durable_name));
    if (deliver_subject === undefined) {
      fail(
        "The consumer `printer` has no `deliver_subject`: it is a pull consumer, and waits until somebody asks. The printer only listens.",
        {
          readme: "a-rate-needs-a-push-consumer",
          evidence: stored(),
        },
      );
    }
    if (deliver_subject !== "printer.ams") {
      fail(
        `The consumer sends the labels to ${deliver_subject}; the printer listens on \`line.subject\`, here printer.ams.`,
        {
          readme: "a-rate-rate_limit_bps",
        },
      );
    }
    if (deliver_policy !== DeliverPolicy.All) {
      fail(
        `The consumer begins with the labels that come from now on (deliver_policy ${deliver_policy}). It is to bring every label, also one that was stored before the line was set up again.`,
        {
          readme: "a-rate-rate_limit_bps",
          evidence: made().map((event) => settingLine(event, "deliver_policy")),
        },
      );
    }
    wantWholeLine(stream, consumer, fail);
    const nc = await server.connect("printer", { recorded: true });
    const jetstream = await server.jetstream();
    const label = new Uint8Array(largestLabel).fill(46);
    await Promise.all(
      Array.from({ length: count }, async (_, i) => {
        const subject = labelSubjects[i % labelSubjects.length] ?? "label.ams.print";
        await jetstream.publish(subject, label).catch((error: Error) =>
          fail(
            `A label of ${largestLabel} bytes on ${subject} is not stored: ${error.message === "503" ? "no stream listens there" : error.message}.`,
            error.message === "503"
              ? {
                  readme: "a-rate-rate_limit_bps",
                  evidence: [`stream LABELS  subjects  ${stream?.subjects.join(", ")}`],
                }
              : { readme: "a-burst-that-is-too-small", evidence: stored() },
          ),
        );
      }),
    );
    // All labels are there before the printer listens, and so before the first one is sent.
    const from = performance.now();
    nc.subscribe("printer.ams", {
      // Not what the server says about the subscription itself: signs of life and flow control have no payload.
      callback: (_, message) => {
        if (message.data.length > 0) arrivals.push(performance.now() - from);
      },
    });
    await nc.flush();
    listening = true;
    await until("all labels to reach the printer", () => arrivals.length >= count);
    await until("the line to be right", () => rate() > 0 && burst() <= 2 * largestLabel);
    printedAll = true;
    await until("a line for labels only", () => !consumer?.idle_heartbeat);
    // What has arrived by now, less what the printer has room for, has had its time on the line. Two labels: one in print, one waiting.
    const tooEarly = arrivals.filter(
      (at, i) => (i + 1) * largestLabel > (at * bytesPerSecond) / 1_000 + 2.5 * largestLabel,
    );
    expect(tooEarly.length, "Labels that came before the printer had room for them").toBe(0);
    expect(arrivals.length, "Labels at the printer").toBe(count);
    expect(rate(), "The rate of the consumer, in bits a second").toBe(bytesPerSecond * 8);

    // Another line has other numbers. What the server has stored for it says enough; the labels need not be sent once more.
    await manager.streams.delete("LABELS");
    const other = { subject: "printer.lyon", bytesPerSecond: 9_600, largestLabel: 3_000 };
    const second = await learner.start("openPrinter", [server.connection("second setup"), other], {
      name: "openPrinter for another line",
    });
    await second.result();
    const otherStream = (await manager.streams.info("LABELS").catch(missing))?.config;
    const otherConsumer = (await manager.consumers.info("LABELS", "printer").catch(missing))?.config;
    const otherBurst = otherStream?.max_msg_size ?? -1;
    const asAsked = {
      "deliver_subject of the consumer": otherConsumer?.deliver_subject === other.subject,
      "rate_limit_bps of the consumer": otherConsumer?.rate_limit_bps === 8 * other.bytesPerSecond,
      "max_msg_size of the stream":
        otherBurst > other.largestLabel && otherBurst <= 2 * Math.max(other.largestLabel, largestLabel),
    };
    const [wrong] = Object.entries(asAsked).find(([, right]) => !right) ?? [];
    if (wrong) {
      fail(
        `\`openPrinter\` was called once more, for another line: ${JSON.stringify(other)}. The ${wrong} is not right for it. What depends on the line has to be taken from \`line\`.`,
        {
          readme: "a-rate-rate_limit_bps",
          evidence: [
            `stream LABELS       max_msg_size     ${otherBurst > 0 ? otherBurst : "not set"}`,
            `consumer \`printer\`  rate_limit_bps   ${otherConsumer?.rate_limit_bps ?? "not set"}`,
            `consumer \`printer\`  deliver_subject  ${otherConsumer?.deliver_subject ?? "not set"}`,
          ],
        },
      );
    }
  },
);

/** Scans number 1 to `count`, of so many parcels: when there are fewer, some are scanned twice. */
const scans = (count: number, parcels = count): Scan[] =>
  Array.from({ length: count }, (_, i) => ({ no: i + 1, parcel: `P-${(i % parcels) + 1}` }));

/** What the stream has, sorted by the number of the scan. */
async function storedScans(server: CheckServer): Promise<(Scan & { subject: string })[]> {
  const manager = await server.manager();
  const { state } = await manager.streams.info("SCANS");
  const found: (Scan & { subject: string })[] = [];
  if (state.messages === 0) return found;
  for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
    const message = await manager.streams.getMessage("SCANS", { seq });
    let scan: Partial<Scan> | null = null;
    try {
      scan = message.json<Partial<Scan> | null>();
    } catch {
      // Not JSON: none of the scans.
    }
    found.push({ no: scan?.no ?? 0, parcel: scan?.parcel ?? message.string(), subject: message.subject });
  }
  return found.sort((a, b) => a.no - b.no);
}

/** Every scan is in the stream, once, as it is, on its subject. */
function expectStored(
  stored: readonly (Scan & { subject: string })[],
  all: readonly Scan[],
  depot: string,
): void {
  const subjects = [...new Set(stored.map(({ subject }) => subject))];
  expect(
    stored.map(({ no }) => no),
    "Scans in the stream",
  ).toEqual(all.map(({ no }) => no));
  expect(
    stored.map(({ no, parcel }) => ({ no, parcel })),
    "Each scan is stored as JSON, as it is",
  ).toEqual(all);
  expect(subjects, "Each scan is on the subject scan.<depot>").toEqual([`scan.${depot}`]);
}

/** A scan that the stream took for another one, because of its message id. */
function wantOwnIds(server: CheckServer, client: string, stored: readonly Scan[], fail: Fail): void {
  const noOf = (text: string | undefined) => Number(/"no":(\d+)/.exec(text ?? "")?.[1] ?? 0);
  const dropped = server.wire
    .pubAcks(({ client: who, duplicate }) => who === client && duplicate)
    .find(({ text }) => !stored.some(({ no }) => no === noOf(text)));
  if (!dropped) return;
  const first = server.wire.publishes(({ msgId }) => msgId === dropped.msgId)[0];
  fail(
    `Scan ${noOf(dropped.text)} of ${dropped.subject.slice(5)} is not in the stream. Your program gave it the message id ${dropped.msgId}, and another scan had that before. So the stream took it for the same scan once more, answered "duplicate", and stored nothing.`,
    {
      readme: "a-timeout-is-not-a-429",
      hint: "Which other scan gets the same message id? Think of a parcel that is scanned twice, and of the scans of another depot.",
      evidence: [first, dropped].filter((event) => event !== undefined).map((event) => wireLine(event)),
    },
  );
}

check(
  "an upload keeps its window full, and never fuller",
  {
    beliefs: {
      "all-at-once": {
        belief: "The client or the server slows a publisher down when it is too fast.",
        readme: "all-at-once-is-no-window",
        hint: "How many scans are on the way when your program has called publish for all of them? What would make it wait?",
      },
      "one-by-one": {
        belief: "To be sure of every message, I must wait for each before I send the next.",
        readme: "one-by-one-is-mostly-waiting",
        hint: "What does your program do while an answer is on its way? How many answers could it wait for at once?",
      },
      "window-in-steps": {
        belief: "A window is a batch: send so many, wait for all of them, send the next.",
        readme: "a-window-slides",
        hint: "All answers but one are there. How many scans are on the way now, and how many could be?",
      },
      "window-of-another-size": {
        belief: "When more than `window` scans are on the way, I wait.",
        readme: "count-before-you-send",
        hint: "How many scans are on the way in the moment in which your program decides to wait? Count with a window of one.",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const manager = await server.manager();
    await manager.streams.add({ name: "SCANS", subjects: ["scan.>"] });
    const window = 5;
    // Some parcels are scanned twice.
    const all = scans(20, 12);
    const aboutScans = (event: { kind: string; subject?: string }) =>
      event.kind === "puback" && event.subject?.startsWith("scan.") === true;
    const first = server.relay.hold(aboutScans, { who: "upload", limit: 1, what: "one PubAck" });
    const others = server.relay.hold(aboutScans, { who: "upload", what: "the other PubAcks" });
    let step: "all held" | "one held" | "free" = "all held";
    const depot = "lyon";
    const program = await learner.start("upload", [server.connection("upload"), depot, all, window]);
    /** A scan that is sent a second time, with its message id or without, is still one scan. */
    const distinct = (events: readonly { text: string | undefined }[]) =>
      new Set(events.map(({ text }) => text)).size;
    const sent = () => distinct(server.wire.publishes((event) => event.subject.startsWith("scan.")));
    const answered = () => {
      const answers = distinct(server.wire.pubAcks({ client: "upload" }));
      // The stream may not have answered at all when the others are let go: then the first answer is still to be held.
      return step === "all held" ? 0 : step === "one held" ? answers - first.events.length : answers;
    };
    const onTheWay = () => sent() - answered();
    const traffic = () => server.wire.by("upload", "publish", "puback");
    const seen = () => [
      `window            ${window}`,
      `scans sent        ${sent()}`,
      `answers arrived   ${answered()}`,
      `scans on the way  ${onTheWay()}`,
    ];
    /** On a slow machine the client may give up before the check is sure. */
    const gaveUp = () => program.error?.code === "TIMEOUT";
    const single = lasting(800, () => step === "all held" && sent() === 1);
    const stepwise = lasting(1_000, () => step === "one held" && sent() < all.length && onTheWay() < window);
    let atRest = { sent: 0 };
    /** It has sent what it wants to send for now, and waits. */
    const waits = lasting(400, () => {
      const before = atRest.sent;
      atRest = { sent: sent() };
      return sent() === before && sent() < all.length && sent() > 1;
    });
    believes("all-at-once", {
      when: () => onTheWay() > window && sent() >= all.length && step !== "free",
      message: () =>
        `${onTheWay()} scans are on the way; the window is ${window}. Nothing made your program wait: publish takes whatever it is given, and keeps it in memory.`,
      evidence: seen,
      wire: () => traffic(),
    });
    believes("one-by-one", {
      when: () => step === "all held" && sent() === 1 && (single() || gaveUp()),
      message: `One scan is on the way; the window is ${window}. Your program waits for its answer before it sends the next, so most of its time it waits for the network.`,
      evidence: seen,
      wire: () => traffic(),
    });
    believes("window-in-steps", {
      when: () => step === "one held" && (stepwise() || (gaveUp() && sent() < all.length)),
      message: () =>
        `All answers but one have arrived. ${onTheWay() === 1 ? "One scan is" : `${onTheWay()} scans are`} on the way, the window is ${window}, and your program waits for the last answer before it goes on. One slow answer holds everything up.`,
      evidence: seen,
      wire: () => traffic(),
    });
    believes("window-of-another-size", {
      when: () =>
        (step === "all held" && sent() > 1 && sent() < window && (waits() || gaveUp())) ||
        (onTheWay() > window && waits()),
      message: () =>
        onTheWay() > window
          ? `${onTheWay()} scans are on the way; the window is ${window}. Your program does wait, but ${onTheWay() === window + 1 ? "one scan too late" : "too late"}: count those that are on the way before you send the next one.`
          : `${onTheWay()} scans are on the way; the window is ${window}. No answer has come yet, ${all.length - sent()} scans wait, and your program sends no more: its window is ${window - onTheWay() === 1 ? "one too small" : "too small"}.`,
      evidence: seen,
      wire: () => traffic(),
    });
    const wait = whileAtWork(until, program);
    await wait("the window to be full", () => sent() >= window);
    await program.answers(2);
    await wait("the window to be no fuller", () => onTheWay() <= window);
    step = "one held";
    others.release();
    await wait("the other scans to be sent", () => sent() >= all.length);
    // A late answer is no reason to send a scan again without its message id.
    const late = lasting(150, () => true);
    await until("the late answer", () => late() || program.settled);
    const heldScan = first.events[0]?.kind === "puback" ? first.events[0].text : undefined;
    // A scan that was sent again with its message id has an answer of its own.
    const unanswered =
      server.wire.pubAcks(({ client, text }) => client === "upload" && text === heldScan).length < 2;
    if (program.settled && !program.error && heldScan !== undefined && unanswered) {
      fail(
        `\`upload\` was done, and the stream's answer to one scan had not come: ${heldScan}. So nobody knows yet whether the stream has it.`,
        {
          readme: "one-by-one-is-mostly-waiting",
          hint: "Your program has sent the last scan. Which answers does it still have to wait for?",
          evidence: seen(),
        },
      );
    }
    step = "free";
    first.release();
    await program.result();
    const stored = await storedScans(server);
    const [twice] = stored.filter(({ no }, i) => no === stored[i - 1]?.no);
    if (twice) {
      fail(
        `Scan ${twice.no} is in the stream twice. Its answer was late, and your program sent it again. After a timeout nobody knows whether a scan was stored; only a message id makes it safe to send it again.`,
        {
          readme: "a-timeout-is-not-a-429",
          hint: "What has the stream done with a scan whose answer is late? How can it tell that it has it already?",
          evidence: server.wire
            .publishes(({ text }) => text?.includes(`"no":${twice.no},`) === true)
            .map((event) => wireLine(event)),
        },
      );
    }
    wantOwnIds(server, "upload", stored, fail);
    expectStored(stored, all, depot);
    // The scans of the next depot have the same numbers.
    const few = scans(3);
    const next = await learner.start("upload", [server.connection("next upload"), "ams", few, window], {
      name: "upload of the next depot",
    });
    await next.result();
    const ofNext = (await storedScans(server)).filter(({ subject }) => subject !== `scan.${depot}`);
    wantOwnIds(server, "next upload", ofNext, fail);
    expectStored(ofNext, few, "ams");
  },
);

/** Milliseconds that are no rest. */
const restMs = 10;
/** The longest rest that the lesson asks for, and a little more. */
const usualRestMs = 600;
/** A rest that is too long: three times what the lesson asks for. */
const tooLongMs = 1_500;
const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;

/** How often the scan was refused that was refused most often. */
function mostTries(refused: readonly EventOf<"puback">[]): number {
  const counts = new Map<string | undefined, number>();
  for (const { text } of refused) counts.set(text, (counts.get(text) ?? 0) + 1);
  return Math.max(0, ...counts.values());
}

check(
  "a server that is busy gets everything in the end",
  {
    budgetMs: 30_000,
    needsServer: "2.11.0",
    server: { jetstreamConfig: "max_buffered_msgs: 2" },
    beliefs: {
      "busy-means-lost": {
        belief: "An error from the server means that the message cannot be stored.",
        readme: "busy-is-not-lost",
        hint: "Read the error's words and its number. Would the same scan be refused again in a moment?",
      },
      "again-at-once": {
        belief: "What was refused is best sent again at once.",
        readme: "again-at-once-keeps-it-busy",
        hint: "Why is the server busy, and who keeps it busy? How long does your program wait between a refusal and the next try?",
      },
      "rest-without-end": {
        belief: "The longer a server is busy, the longer I should rest.",
        readme: "a-rest-needs-an-upper-bound",
        hint: "How long is the rest after the fifth refusal, and after the tenth? How long does the server need to store two scans?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const manager = await server.manager();
    await manager.streams.add({ name: "SCANS", subjects: ["scan.>"] });
    const all = scans(60);
    const program = await learner.start("upload", [server.connection("upload"), "ams", all, 30]);
    const refused = () => server.wire.pubAcks({ errCode: 10167 });
    let stored: Awaited<ReturnType<typeof storedScans>> | undefined;
    const missing = () => all.length - new Set(stored?.map(({ no }) => no)).size;
    const publishes = () => server.wire.publishes({ client: "upload" });
    const answers = () => server.wire.pubAcks({ client: "upload" });
    /** Answers that the program got in one piece: refusals, and behind them PubAcks, which let it send new scans. */
    const bursts: {
      answers: readonly EventOf<"puback">[];
      /** The last event before it got them. */
      after: number;
      /** When it got them. */
      at: number;
      /** How many bytes it sent at once when it had read them; undefined when it read them in pieces. */
      wrote?: Wrote | undefined;
    }[] = [];
    /**
     * What it sent first then. Who does not rest sends the refused scans again before the new ones, and at once. Who lets each scan rest,
     * however shortly, sends the new ones first; who lets all wait together sends nothing at once. Where neither shows, the next burst is
     * looked at.
     */
    const reactions = () => {
      const seen = new Set<string | undefined>();
      const fresh = publishes().filter(({ text }) => !seen.has(text) && seen.add(text));
      return bursts.flatMap((burst, i) => {
        const end = bursts[i + 1]?.after ?? Number.POSITIVE_INFINITY;
        const lastOk = burst.answers.findLastIndex(({ ok }) => ok);
        const refusals = burst.answers.slice(0, Math.max(0, lastOk)).filter(({ ok }) => !ok);
        const next = fresh.filter(({ index }) => index > burst.after && index < end);
        const lastNew = next[burst.answers.filter(({ ok }) => ok).length - 1];
        if (refusals.length < 3 || !lastNew) return [];
        const again = refusals.flatMap((refusal) => {
          const retry = publishes().find(({ index, text }) => index > burst.after && text === refusal.text);
          return retry && retry.index < lastNew.index ? [{ refusal, retry }] : [];
        });
        const most = again.length > refusals.length / 2;
        // On the wire a scan has its subject and more around it: whoever sent so many bytes sent most of these scans, or more of others.
        const ofMost = refusals.reduce((sum, { text = "" }) => sum + text.length, 0) / 2;
        const { wrote } = burst;
        return [
          {
            rests: !most || (wrote !== undefined && wrote.atMost < ofMost),
            atOnce: most && wrote !== undefined && wrote.atLeast >= ofMost,
            refusals,
            again,
            lastNew,
          },
        ];
      });
    };
    const rested = () => reactions().some(({ rests }) => rests);
    const atOnce = () => reactions().filter((reaction) => reaction.atOnce);
    const looked = () => atOnce().reduce((sum, { refusals }) => sum + refusals.length, 0);
    const hurried = () => atOnce().reduce((sum, { again }) => sum + again.length, 0);
    /** Each refusal as the program saw it, its scan's next try, and the time between; until now where there was none yet. */
    const rests = () => {
      const tries = publishes();
      return refused().map((refusal) => {
        const { after, at } = bursts.find((burst) => burst.answers.includes(refusal)) ?? {
          after: refusal.index,
          at: refusal.at,
        };
        const again = tries.find(({ index, text }) => index > after && text === refusal.text);
        return { refusal, again, ms: (again?.at ?? server.wire.now()) - at };
      });
    };
    /** Answers that the program does not have yet. */
    let held = 0;
    const quietMs = () => server.wire.now() - Math.max(...[...publishes(), ...answers()].map(({ at }) => at));
    /** All rests of a scan that rests for too long, and was sent again before: while nothing is on the way. */
    const tooLong = () => {
      if (program.settled || held > 0 || answers().length !== publishes().length) return undefined;
      if (refused().length === 0 || quietMs() < tooLongMs) return undefined;
      const all = rests();
      const pending = all.find(({ again, ms }) => !again && ms > tooLongMs);
      const ofScan = all.filter(({ refusal }) => refusal.text === pending?.refusal.text);
      // Who does not come back at all does not rest. The first rests say nothing: a busy machine makes them longer.
      return pending && (ofScan.at(-2)?.ms ?? 0) > tooLongMs / 2 ? ofScan : undefined;
    };
    let overslept: ReturnType<typeof tooLong>;
    let freeMs = 0;
    const watchRests = async () => {
      if (overslept || !tooLong()) return;
      // On a slow machine a rest can be over and its program still be waiting for its turn. Whoever answers has had it.
      await program.answers(2);
      overslept = tooLong();
      freeMs = quietMs();
    };
    believes("again-at-once", {
      when: () => stored !== undefined && atOnce().length > 0 && !rested(),
      message: () =>
        `The server was busy and refused ${refused().length} times. Your program does not rest: after ${hurried()} of the first ${looked()} refusals it sent the scan again at once. So it keeps the server busy with scans that it must refuse. A short rest lets it work.`,
      evidence: () => [
        `refusals                       ${refused().length}`,
        `the first of them, looked at   ${looked()}`,
        `of these, sent again at once   ${hurried()}`,
      ],
      wire: () => {
        const [first] = atOnce();
        return [
          ...(first?.again.slice(0, 2) ?? []).flatMap(({ refusal, retry }) => [refusal, retry]),
          ...(first ? [first.lastNew] : []),
        ];
      },
    });
    believes("busy-means-lost", {
      when: () =>
        refused().length > 0 &&
        (program.error?.code === "429" ||
          (program.error as { api_error?: { code?: number } } | undefined)?.api_error?.code === 429 ||
          // An answer that did not come in time is none of "not now".
          (stored !== undefined && missing() > 0 && program.error?.code !== "TIMEOUT")),
      message: () =>
        `The server was busy and refused scans with the error 429. ${program.error ? "Your program gave up" : `Your program was done, and ${missing()} of ${all.length} scans are not in the stream`}. The server said "not now"; it did not say "never".`,
      evidence: () => [
        ...refused()
          .slice(0, 2)
          .map((event) =>
            wireLine(event, `${event.error} (${event.errCode}), ${(event.text ?? "").slice(0, 40)}`),
          ),
        `refused  ${refused().length}`,
        `program  ${program.error ? `failed: ${program.error.message}` : "done"}`,
      ],
    });
    believes("rest-without-end", {
      when: () => overslept !== undefined,
      message: () =>
        `A scan was refused ${overslept?.length} times, and your program now lets it rest for more than ${seconds(tooLongMs)}. No scan is on the way, so the server has had nothing to do for ${seconds(freeMs)}. A rest may grow, but not beyond about half a second.`,
      evidence: () => [
        `its rests  ${(overslept ?? [])
          .slice(-6)
          .map(
            ({ ms, again }) =>
              `${again ? "" : "more than "}${seconds(again ? ms : Math.floor(ms / 100) * 100)}`,
          )
          .join(", ")}`,
        `refused    ${refused().length}`,
      ],
      wire: () =>
        (overslept ?? []).slice(-2).flatMap(({ refusal, again }) => (again ? [refusal, again] : [refusal])),
    });
    const holdAnswers = () =>
      server.relay.hold((event) => event.kind === "puback", { who: "upload", what: "the answers" });
    let hold = holdAnswers();
    /** What it had sent before it got the last answers. */
    let before = 0;
    while (!program.settled && bursts.length < 12 && !rested() && atOnce().length === 0) {
      // A rest that began with the burst before would end in the midst of this one; so it is over by then.
      const quiet = bursts.length === 0 ? () => true : lasting(usualRestMs, () => true);
      let wrote = async (): Promise<Wrote | undefined> => undefined;
      // It has sent all that it wants to send for now, and the server has answered all of it.
      for (let sent = -1; !program.settled && (sent !== publishes().length || !quiet()); ) {
        sent = Math.max(publishes().length, before + 1);
        await until("`upload` to send scans, and the server to answer", async () => {
          held = hold.events.length;
          await watchRests();
          if (program.settled) return true;
          return publishes().length >= sent && answers().length === publishes().length && quiet();
        });
        await program.answers();
        // An answer says no less than the stream's name and a sequence, or an error.
        wrote = await program.reaction(hold.events.length * 20, restMs);
      }
      const burst: (typeof bursts)[number] = {
        answers: hold.events.filter((event) => event.kind === "puback"),
        after: server.wire.events.at(-1)?.index ?? 0,
        at: server.wire.now(),
      };
      bursts.push(burst);
      before = publishes().length;
      // No answer slips through between the two.
      const next = holdAnswers();
      hold.release();
      hold = next;
      held = 0;
      // The question may come before the answers, on another way; so it is asked often enough for them to have come.
      await program.answers(4);
      burst.wrote = await wrote();
    }
    // Rests of the same length end together. On a slow machine their scans come one by one, the server stores each, and nobody sees the
    // next rest. So at first, scans that come soon after each other go on to the server together.
    for (let i = 0; i < 30 && rested() && !program.settled && !overslept && mostTries(refused()) < 6; i++) {
      const scansHold = server.relay.hold((event) => event.kind === "publish", {
        who: "upload",
        what: "its scans, until no more come",
      });
      hold.release();
      held = 0;
      let came = 0;
      const allCame = lasting(100, () => {
        const noMore = came > 0 && came === scansHold.events.length;
        came = scansHold.events.length;
        return noMore;
      });
      await until("`upload` to send scans", async () => {
        await watchRests();
        return program.settled || overslept !== undefined || allCame();
      });
      scansHold.release();
    }
    hold.release();
    held = 0;
    await until("`upload` to be done", async () => {
      await watchRests();
      return program.settled;
    });
    let found = await storedScans(server);
    if (!program.error && found.length < all.length) {
      // Who does not wait for its last scans sends them after it was done.
      const atItsEnd = found.length;
      const rest = lasting(1_000, () => true);
      await until("the scans to be stored", async () => {
        found = await storedScans(server);
        return found.length > atItsEnd || rest();
      });
      if (found.length > atItsEnd) {
        fail(
          `\`upload\` was done when ${atItsEnd} of ${all.length} scans were in the stream. More came after that: your program did not wait for them. Whoever called it may end the process now, and what was not sent is lost.`,
          {
            readme: "one-by-one-is-mostly-waiting",
            hint: "Your program has sent the last scan. Which answers does it still have to wait for?",
            evidence: [
              `in the stream when it was done  ${atItsEnd}`,
              `in the stream a little later    ${found.length}`,
            ],
          },
        );
      }
    }
    stored = found;
    await program.result();
    expectStored(stored, all, "ams");
  },
);

check(
  "an upload that cannot succeed says so",
  {
    beliefs: {
      "every-error-passes": {
        belief: "An error of the server passes if I try again.",
        readme: "busy-is-not-lost",
        hint: "Read the error's words and its number. Would the same scan be refused again tomorrow? Who can do something about it?",
      },
    },
  },
  async ({ server, learner, until, believes, fail }) => {
    const manager = await server.manager();
    const room = 3;
    await manager.streams.add({
      name: "SCANS",
      subjects: ["scan.>"],
      max_msgs: room,
      discard: DiscardPolicy.New,
    });
    const all = scans(10);
    const program = await learner.start("upload", [server.connection("upload"), "ams", all, 2]);
    const refused = () => server.wire.pubAcks({ ok: false });
    const tries = () => mostTries(refused());
    believes("every-error-passes", {
      when: () => !program.settled && tries() >= 8,
      message: () =>
        `The stream is full and refuses every scan that is left: "${refused()[0]?.error}". Your program has sent the same scan ${tries()} times, and goes on. This error does not pass by itself, and nobody is told.`,
      evidence: () => [`refused  ${refused().length}`],
      wire: () => refused(),
    });
    await until("`upload` to say that the stream is full", () => program.settled);
    // An error before the server has said anything is none of the stream.
    if (refused().length === 0) await program.result();
    if (program.error === undefined) {
      fail(
        `\`upload\` was done, without an error. The stream is full, and ${all.length - room} of ${all.length} scans are not in it. Whoever called it believes that the day is stored.`,
        {
          readme: "busy-is-not-lost",
          evidence: refused()
            .slice(0, 2)
            .map((event) =>
              wireLine(event, `${event.error} (${event.errCode}), ${(event.text ?? "").slice(0, 40)}`),
            ),
        },
      );
    }
    // Now only the last scan is refused: no other one is sent after it.
    await manager.streams.delete("SCANS");
    await manager.streams.add({
      name: "SCANS",
      subjects: ["scan.>"],
      max_msgs: 4,
      discard: DiscardPolicy.New,
    });
    const few = scans(5);
    const second = await learner.start("upload", [server.connection("second upload"), "lyon", few, 4], {
      name: "upload with one scan too many",
    });
    const refusedLast = () => server.wire.pubAcks({ client: "second upload", ok: false });
    await until("`upload` to say that the last scan was refused", () => second.settled);
    if (refusedLast().length === 0) await second.result();
    if (second.error === undefined) {
      fail(
        "`upload` was done, without an error. The stream had room for four of five scans, and refused the last one. Your program did not hear of it, or told nobody.",
        {
          readme: "busy-is-not-lost",
          hint: "Your program has sent the last scan. Who looks at the answer to it?",
          evidence: refusedLast()
            .slice(0, 2)
            .map((event) =>
              wireLine(event, `${event.error} (${event.errCode}), ${(event.text ?? "").slice(0, 40)}`),
            ),
        },
      );
    }
  },
);
