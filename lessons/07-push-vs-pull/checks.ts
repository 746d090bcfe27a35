// Lesson 07: how sorters share parcels, what happens when one dies or the consumer goes, and what a screen sees that only looks.
import { AckPolicy, type JetStreamManager, nanos } from "nats";
import {
  type Belief,
  type CheckServer,
  exercise,
  expect,
  Finding,
  gate,
  type Hook,
  hang,
  hook,
  type LearnerProgram,
  pace,
  type Waiting,
  wireLine,
} from "../../checker/kit/index.ts";
import type { Parcel } from "./exercise.ts";

const { check } = exercise<typeof import("./exercise.ts")>();

async function depot(manager: JetStreamManager, ackWaitMs: number): Promise<void> {
  await manager.streams.add({ name: "PARCELS", subjects: ["parcel.>"] });
  await addSorters(manager, ackWaitMs);
}

async function addSorters(manager: JetStreamManager, ackWaitMs: number): Promise<void> {
  await manager.consumers.add("PARCELS", {
    durable_name: "sorters",
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(Math.round(ackWaitMs)),
  });
}

/**
 * No parcel comes again that is in somebody's hands. But one that a client let fall, because its pull had run out on a slow machine,
 * does.
 */
const noRedelivery = () => 6_000 * pace();
const towns = ["ghent", "lyon", "bern"];
const parcel = (no: number): Parcel => ({ no, town: towns[no % towns.length] as string });
const numbers = (list: readonly Parcel[]) => list.map(({ no }) => no);
const capital = (text = "") => text.charAt(0).toUpperCase() + text.slice(1);
const publish = async (server: CheckServer, no: number): Promise<void> => {
  const { town } = parcel(no);
  await (await server.jetstream()).publish(`parcel.${town}`, JSON.stringify(parcel(no)));
};

/** A program hands over parcels, not messages or texts: without that, nothing that a check counts can be counted. */
function expectParcels(name: string, given: Hook<[Parcel], Promise<void>>): void {
  const wrong = given.received.find((each) => typeof (each as Partial<Parcel> | undefined)?.no !== "number");
  if (given.calls.length === 0 || (wrong === undefined && !given.received.includes(wrong as never))) return;
  throw new Finding({
    message: `\`${name}\` was given something that is no parcel. The payload of a message is the parcel as JSON; \`${name}\` takes the object.`,
    evidence: [`given     ${JSON.stringify(wrong)?.slice(0, 60)}`, `a parcel  ${JSON.stringify(parcel(1))}`],
  });
}

/** Resolves when the sorter waits for the next parcel. Whoever asks in some other way has no pull that waits, and is quiet. */
async function toWait(
  server: CheckServer,
  { until, lasting }: Waiting,
  sort: Hook<[Parcel], Promise<void>>,
): Promise<void> {
  const manager = await server.manager();
  const quiet = lasting(500, () => sort.running === 0);
  await until(
    "the sorter to wait for the next parcel",
    async () =>
      quiet() || (sort.running === 0 && (await manager.consumers.info("PARCELS", "sorters")).num_waiting > 0),
  );
}

/** The connection is the caller's: a function that is done has left it open. */
async function expectLeftOpen(program: LearnerProgram<void>): Promise<void> {
  const reason = await program.reason();
  if (reason) throw new Finding(reason);
}

/** A sorter takes its parcels from `sorters`, and from nowhere else. */
function expectFromSorters(server: CheckServer, client: string): void {
  const [other] = server.seen(
    (wire) => wire.deliveries((event) => event.client === client && event.consumer !== "sorters"),
    [],
  );
  if (other === undefined) return;
  throw new Finding({
    message: `The sorter reads from the consumer \`${other.consumer}\`. It is to read from \`sorters\`, which all sorters of the depot share: another consumer delivers each parcel once more, and what is acked there stays open in \`sorters\`.`,
    readme: "every-worker-needs-a-consumer-of-its-own",
    evidence: [wireLine(other)],
  });
}

/** The sorter is at work with a parcel of the depot. What it has said by now is on its way afterwards. */
async function expectAtWork(
  server: CheckServer,
  client: string,
  program: LearnerProgram<void>,
  sort: Hook<[Parcel], Promise<void>>,
): Promise<void> {
  if (program.settled) await program.result();
  expectParcels("sort", sort);
  expectFromSorters(server, client);
  await program.answers(2);
}

/** A screen that has subscribed to the parcels' subjects, and to nothing that reads the stream. */
const listensOnly = (server: CheckServer) =>
  server.seen(
    (wire) => wire.of("subscribe", { client: "screen" }).some(({ subject }) => subject.startsWith("parcel.")),
    false,
  );
/** What a check says of such a screen, when all parcels were stored before. */
const showedNothing = (server: CheckServer, stored: number) => ({
  message: `The screen showed nothing, and ${stored} parcels are in the stream. They were stored before it came. It has subscribed to the parcels' subjects, and a plain subscription hears only what is published from then on.`,
  readme: "a-subscription-sees-the-stream",
  evidence: server.wire
    .of("subscribe", { client: "screen" })
    .slice(0, 1)
    .map((event) => wireLine(event)),
});

const loopSeesStop: Belief = {
  belief: "My loop sees by itself that it was told to stop.",
  readme: "a-loop-sees-the-stop",
  hint: "Where is your program when `stop` is aborted and no parcel comes? What must happen before it looks at `stop.aborted` again?",
};
const stopMeansNow: Belief = {
  belief: "Told to stop, a program drops what it does.",
  readme: "stop-means-now",
  hint: "Where is the parcel that was being worked on when the stop came? Who knows how far it got?",
};
/** Longer than a program may take that was told to stop and waits for nothing but a pull of a second. */
const patienceMs = 2_500;
/** A pull that waits in the server, and goes on for longer than that after the stop. */
const longPull = (server: CheckServer, client: string) =>
  server.seen((wire) => {
    const [stop] = wire.of("program", { what: "told to stop" });
    if (stop === undefined) return undefined;
    return wire.pulls({ client }).find(({ index, at, batch, expiresMs = Number.POSITIVE_INFINITY }) => {
      if (at + expiresMs < stop.at + patienceMs) return false;
      if (batch === 1 && wire.deliveries({ client }).some((delivery) => delivery.index > index)) return false;
      return !wire.statuses({ client }).some(({ request, code }) => request === index && code !== 100);
    });
  }, undefined);
/**
 * Whether a program that was told to stop waits for such a pull to end: some time after the stop, or, where that time is long because
 * the machine is slow, just before the pull's end.
 */
const waitsForItsPull = (server: CheckServer, client: string, deaf: boolean) => {
  const pull = longPull(server, client);
  if (pull === undefined) return false;
  return deaf || server.wire.now() > pull.at + (pull.expiresMs ?? Number.POSITIVE_INFINITY) - 200;
};
/** The moment in which a program was told to stop. */
const toldToStop = (server: CheckServer) => server.wire.of("program", { what: "told to stop" });

const listed = (list: readonly number[]) => list.join(", ") || "none";

check(
  "three sorters share the parcels, and a fourth gets its part",
  {
    budgetMs: 20_000,
    beliefs: {
      "consumer-per-worker": {
        belief: "Every worker needs a consumer of its own.",
        readme: "every-worker-needs-a-consumer-of-its-own",
        hint: "What does a consumer remember? If two workers are to get different parcels, what must they have in common?",
      },
      "push-shares-fairly": {
        belief: "The server pushes each parcel to a worker that is free.",
        readme: "the-server-pushes-to-whoever-is-free",
        hint: "How could the server know which worker is free? Who knows it, and can say so?",
      },
      "one-worker-hogs": {
        belief: "Whoever is free gets the next parcel, by itself.",
        readme: "whoever-is-free-gets-the-next-one",
        hint: "How many messages does your worker ask for at a time? Look at the pulls in the evidence, and at what it does while the first parcel is in its hands.",
      },
      "a-callback-is-awaited": {
        belief: "The client waits for my callback before it hands over the next message.",
        readme: "a-callback-is-awaited",
        hint: "What does an async function give back at its first `await`? What can the client do then?",
      },
      "sorted-is-done": {
        belief: "A parcel is done when it is sorted.",
        readme: "a-parcel-that-was-sorted-is-done",
        hint: "Who knows that `sort` is done? What does the server wait for?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const manager = await server.manager();
    await depot(manager, noRedelivery());
    const all = Array.from({ length: 8 }, (_, i) => parcel(i + 1));
    for (const { no } of all) await publish(server, no);

    const open = gate();
    const sorted = new Set<number>();
    /** The number of the delivery of the parcel that a sorter has in hand. */
    const inHand = new Map<string, number>();
    const sorters = ["sorter 1", "sorter 2", "sorter 3", "sorter 4"].map((name) => ({
      name,
      sort: hook<[Parcel], Promise<void>>(async ({ no }) => {
        inHand.set(
          name,
          server.seen(
            (wire) => wire.deliveries({ client: name, streamSeq: no }).at(-1)?.index ?? wire.mark(),
            0,
          ),
        );
        await open.wait();
        sorted.add(no);
      }),
    }));
    const deliveries = (client: string) => server.wire.deliveries({ client });
    /** Parcels that a sorter was given and has not answered for. */
    const held = (client: string) =>
      new Set(deliveries(client).map(({ streamSeq }) => streamSeq)).size -
      new Set(
        ["ack", "nak", "term"].flatMap((kind) =>
          server.wire.of(kind as "ack", { client }).map(({ streamSeq }) => streamSeq),
        ),
      ).size;
    /**
     * Asked for one more when the parcel in its hands had come. On a slow machine a right one may do so, too: by its own clock its pull is
     * over, or two heartbeats have stayed away, before it sees what came. So much time lies between its pulls then.
     */
    const asksAhead = (name: string) =>
      server.wire.pulls({ client: name }).some(({ index, at }, i, pulls) => {
        if (index <= (inHand.get(name) ?? Number.POSITIVE_INFINITY)) return false;
        const { at: before = at, expiresMs = 1_000, heartbeatMs = expiresMs } = pulls[i - 1] ?? {};
        return at - before < Math.min(expiresMs, 2 * heartbeatMs) * 0.75;
      });
    /** Asked for more than one parcel, or for one more while it sorts, or did not ask at all. */
    const greedy = ({ name, sort }: (typeof sorters)[number]) => {
      const pulls = server.wire.pulls({ client: name });
      return (
        pulls.length === 0 ||
        pulls.some(({ batch }) => batch > 1) ||
        sort.running > 1 ||
        (sort.running > 0 && asksAhead(name))
      );
    };
    /** The story of a greedy sorter is told when another one has asked and gets nothing, or when all are there. */
    let allThere = false;
    const inVain = lasting(200, () =>
      sorters.some(
        ({ name, sort }) => sort.calls.length === 0 && server.wire.pulls({ client: name }).length > 0,
      ),
    );
    const hog = () =>
      sorters.find((sorter) => held(sorter.name) > 1 && sorter.sort.running > 0 && greedy(sorter))?.name;
    /** One that sorts several parcels at the same time. */
    const juggler = () => sorters.find(({ sort }) => sort.running > 1);
    const shares = () =>
      sorters
        .filter(
          ({ name, sort }) => sort.calls.length > 0 || server.relay.connections.some((c) => c.name === name),
        )
        .map(({ name, sort }) => `${name}  holds ${held(name)}, is sorting ${sort.running}`);
    /** A parcel that two sorters were given by two consumers. */
    const twice = () => {
      const first = new Map<number, ReturnType<typeof server.wire.deliveries>[number]>();
      for (const delivery of server.wire.deliveries()) {
        const before = first.get(delivery.streamSeq);
        if (before && before.consumer !== delivery.consumer) return [before, delivery] as const;
        first.set(delivery.streamSeq, delivery);
      }
      return undefined;
    };
    believes("consumer-per-worker", {
      when: () => twice() !== undefined,
      message: () =>
        `Two sorters have parcel ${twice()?.[0].streamSeq} in their hands. They take their parcels from two consumers, and each consumer delivers all of them. Workers share what comes from one consumer.`,
      evidence: () =>
        (twice() ?? []).map((event) =>
          wireLine(event, `gets parcel ${event.streamSeq} from consumer ${event.consumer}`),
        ),
    });
    believes("a-callback-is-awaited", {
      when: () => juggler() !== undefined,
      message: () =>
        `${capital(juggler()?.name)} sorts ${juggler()?.sort.running} parcels at the same time, and it is to sort one after the other. Nobody waited for \`sort\`: the client hands over the next message as soon as your function gives control back.`,
      evidence: () => shares(),
      wire: () => server.wire.by(juggler()?.name ?? "", "pull", "delivery").slice(0, 4),
    });
    believes("push-shares-fairly", {
      when: () => {
        const name = hog();
        return name !== undefined && server.wire.pulls({ client: name }).length === 0;
      },
      message: () =>
        `The server pushed ${held(hog() ?? "")} parcels to ${hog()}, which can sort only one. It asked for none of them. A server that pushes sends what there is to whoever listens; who is busy, it does not know.`,
      evidence: () => [...shares(), "pulls     none"],
      wire: () => server.wire.deliveries({ client: hog() ?? "" }),
    });
    believes("one-worker-hogs", {
      when: () => hog() !== undefined && juggler() === undefined && (inVain() || allThere),
      message: () => {
        const holds = held(hog() ?? "");
        return `${capital(hog())} holds ${holds} parcels and can sort one at a time. ${
          holds === 2
            ? "The second one waits in its memory, behind the one in its hands, and no other sorter can have it"
            : "The others wait in its memory, behind the one in its hands, and no other sorter can have them"
        }, free or not.`;
      },
      evidence: () => [...shares()],
      wire: () => server.wire.by(hog() ?? "", "pull", "delivery").slice(0, 3),
    });

    const answers = (client?: string) =>
      (["ack", "nak", "term"] as const).flatMap((kind) =>
        server.wire.of(kind, client === undefined ? {} : { client }),
      );
    /** The parcels that a sorter has sorted, and has said nothing about. */
    const unanswered = () =>
      sorters.flatMap(({ name, sort }) => {
        const answered = new Set(answers(name).map(({ streamSeq }) => streamSeq));
        return sort.calls.flatMap(({ args: [{ no }], ended }) =>
          ended === undefined || answered.has(no) ? [] : [no],
        );
      });
    believes("sorted-is-done", {
      when: lasting(1_000, () => sorted.size >= all.length && unanswered().length > 0),
      message: () => {
        const count = unanswered().length;
        return `${sorted.size} parcels were sorted, and the server has heard nothing about ${
          count === sorted.size ? "them" : `${count} of them`
        }. To the server each one is still in a sorter's hands, and when the \`ack_wait\` is over it gives it to somebody once more.`;
      },
      evidence: () => [
        `sorted                        ${sorted.size}`,
        `ack, nak or term on the wire  ${answers().length || "none"}`,
      ],
      wire: () => server.wire.deliveries(({ streamSeq }) => unanswered().includes(streamSeq)),
    });

    const stop = new AbortController();
    const start = async (which: typeof sorters) => {
      const programs = [];
      for (const { name, sort } of which) {
        const program = await learner.start("sortParcels", [server.connection(name), sort, stop.signal], {
          name: "sortParcels",
        });
        await until(`${name} to sort a parcel`, () => sort.running > 0 || program.settled);
        if (program.settled) await program.result();
        expectParcels("sort", sort);
        programs.push(program);
      }
      return programs;
    };
    const programs = await start(sorters.slice(0, 1));
    // The consumer is everybody's. One that is gone shows by itself.
    const { max_ack_pending: atOnce = 0 } =
      (await manager.consumers.info("PARCELS", "sorters").catch(() => undefined))?.config ?? {};
    if (atOnce > 0 && atOnce < sorters.length) {
      fail(
        `The sorter has changed the consumer \`sorters\`: its \`max_ack_pending\` is ${atOnce} now. That counts for all sorters together. When so many parcels are in somebody's hands, the others get nothing, free or not.`,
        {
          readme: "whoever-is-free-gets-the-next-one",
          evidence: [`num_ack_pending may be  ${atOnce}`, `sorters                 ${sorters.length}`],
        },
      );
    }
    programs.push(...(await start(sorters.slice(1, 3))));
    // The fourth comes when the others are at work.
    programs.push(...(await start(sorters.slice(3))));
    allThere = true;
    await until("four sorters to sort a parcel each", () => sorters.every(({ sort }) => sort.running === 1));
    // What they have asked for beside that one has come afterwards.
    for (const program of programs) await program.answers(2);
    open.open();
    await until("all parcels to be sorted", () => sorted.size >= all.length);
    await until(
      "each parcel to be acked",
      async () => (await manager.consumers.info("PARCELS", "sorters")).num_ack_pending === 0,
    );
    // How a sorter ends is the business of other checks.
    for (const program of programs) await program.kill();
  },
);

check(
  "a sorter that dies loses no parcel",
  {
    beliefs: {
      "delivered-is-done": {
        belief: "A parcel that a worker has got is done.",
        readme: "a-parcel-that-a-worker-has-got-is-done",
        hint: "When does your ack go out: before `sort`, or after it? What does the server do with a parcel that is acked?",
      },
    },
  },
  async ({ server, learner, until, believes }) => {
    await depot(await server.manager(), 400);
    const stop = new AbortController();
    const dying = hook<[Parcel], Promise<void>>(() => hang());
    const living = hook<[Parcel], Promise<void>>(async () => {});
    const ackOf = (client: string) => server.wire.acks({ client })[0];
    believes("delivered-is-done", {
      when: () => dying.calls.length > 0 && ackOf("sorter 1") !== undefined,
      message:
        "Sorter 1 acked parcel 1 when it had only begun to sort it. Then it died. For the server the parcel is done; no other sorter will ever get it, and it lies somewhere in the depot.",
      evidence: () => ["sorter 1: sort of parcel 1 began, and never ended"],
      wire: () => [
        ...server.wire.by("sorter 1", "delivery", "ack").slice(0, 2),
        ...server.wire.of("program", { what: "killed" }),
      ],
    });
    await publish(server, 1);
    const first = await learner.start("sortParcels", [server.connection("sorter 1"), dying, stop.signal], {
      name: "sortParcels",
    });
    await until("sorter 1 to sort parcel 1", () => dying.running > 0 || first.settled);
    await expectAtWork(server, "sorter 1", first, dying);
    await first.kill();
    await until("the server to notice that sorter 1 is gone", () => server.hasLeft("sorter 1"));

    const second = await learner.start("sortParcels", [server.connection("sorter 2"), living, stop.signal], {
      name: "sortParcels",
    });
    await publish(server, 2);
    await until("sorter 2 to sort parcels 1 and 2", () =>
      [1, 2].every((no) => numbers(living.received).includes(no)),
    );
    await second.kill();
  },
);

check(
  "a sorter whose `sort` throws, throws too, and loses no parcel",
  {
    beliefs: {
      "failed-is-finished": {
        belief: "When `sort` is over I go on, however it ended.",
        readme: "an-error-that-was-caught-is-dealt-with",
        hint: "Who hears of it when `sort` throws? What does the server know of that parcel afterwards?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const manager = await server.manager();
    await depot(manager, 1_000);
    const reason = "the label cannot be read";
    const mark = () => server.seen((wire) => wire.mark(), 0);
    /** A sorter at work, whose `sort` throws when the gate is opened. */
    const failing = async (client: string) => {
      const open = gate();
      const stop = new AbortController();
      /** The number of the last event when `sort` threw. */
      const threw: { after?: number } = {};
      const sort = hook<[Parcel], Promise<void>>(async () => {
        await open.wait();
        threw.after ??= mark();
        throw new Error(reason);
      });
      const program = await learner.start("sortParcels", [server.connection(client), sort, stop.signal], {
        name: "sortParcels",
      });
      await until(`${client} to sort a parcel`, () => sort.running > 0 || program.settled);
      await expectAtWork(server, client, program, sort);
      return { client, open, stop, threw, sort, program, no: numbers(sort.received)[0] ?? 0 };
    };
    const living = hook<[Parcel], Promise<void>>(async () => {});
    const acked = async () => (await manager.consumers.info("PARCELS", "sorters")).ack_floor.stream_seq >= 1;
    await publish(server, 1);
    const first = await failing("sorter 1");
    if (await acked()) {
      fail("Parcel 1 was acked when `sort` had only begun. If `sort` fails now, no other sorter gets it.", {
        readme: "a-parcel-that-a-worker-has-got-is-done",
      });
    }
    /** The sorter whose `sort` throws. */
    let it = first;
    const threwAt = () => it.sort.calls[0]?.ended ?? Number.POSITIVE_INFINITY;
    const threw = () => Number.isFinite(threwAt());
    /** What the sorter did after `sort` threw. */
    const after = (...kinds: ("pull" | "delivery" | "ack" | "term")[]) =>
      server.wire.by(it.client, ...kinds).filter(({ index }) => index > (it.threw.after ?? index));
    const termed = () => server.seen(() => after("term").length > 0 && after("ack").length === 0, false);
    /** It asks for nothing, and says nothing. */
    const still = () => server.seen(() => after("pull", "delivery", "ack").length === 0, false);
    let done = false;
    const again = () => it.sort.calls.some(({ at }) => at > threwAt());
    const goesOn = lasting(patienceMs, () => threw() && !it.program.settled);
    const endsHow = () => {
      if (it.program.error !== undefined) return "threw";
      if (it.program.settled) return "returned";
      return still() ? "has not returned" : "goes on";
    };
    believes("failed-is-finished", {
      when: async () => {
        const waits = goesOn();
        if (!threw()) return false;
        done = server.seen(() => after("ack", "term").length > 0, false) || (it === first && (await acked()));
        // From then on it may be the other sorter's ack.
        if (living.calls.length > 0) return false;
        return done || again() || waits || (it.program.settled && it.program.error === undefined);
      },
      message: () => {
        const story = `${it.stop.signal.aborted ? "The sorter was told to stop, and then `sort` threw" : "`sort` threw"}: parcel ${it.no} could not be sorted.`;
        if (done) {
          return `${story} ${
            termed()
              ? "The sorter answered with `term()`: nobody is to get it again."
              : "The sorter acked it all the same."
          } For the server the parcel is done; no other sorter will ever get it, and it lies somewhere in the depot.`;
        }
        const ends = {
          returned: `returned without an error, as if ${it.stop.signal.aborted ? "all were well" : "it had been told to stop"}`,
          "has not returned":
            "has not returned since, and asks for nothing: it waits for something that does not come",
          "goes on": "goes on as if nothing had happened",
          threw: "threw",
        };
        return `${story} \`sortParcels\` ${ends[endsHow()]}. What \`sort\` throws, the function throws: whoever started the sorter has to hear of it.`;
      },
      evidence: () => [`sort         threw “${reason}”`, `sortParcels  ${endsHow()}`],
      wire: () =>
        [
          ...server.wire.by(it.client, "delivery", "ack", "nak", "term").slice(0, 4),
          ...toldToStop(server),
        ].sort((a, b) => a.index - b.index),
    });
    const expectThrown = async () => {
      it.open.open();
      await until("`sortParcels` to throw what `sort` threw", () => it.program.error !== undefined);
      if (!it.program.error?.message.includes(reason)) {
        fail(
          `\`sort\` threw “${reason}”, and \`sortParcels\` threw something else. What \`sort\` throws, the function throws.`,
          { evidence: [`thrown  ${it.program.error?.name}: ${it.program.error?.message}`] },
        );
      }
      await it.program.answers(2);
    };
    await expectThrown();

    // The stop is no reason to keep it for oneself.
    await publish(server, 2);
    it = await failing("sorter 2");
    it.stop.abort();
    await it.program.answers(2);
    // Whoever does not wait for `sort` is done then.
    const patient = lasting(300, () => true);
    await until("the sorter to be at its parcel", () => it.program.settled || patient());
    if (it.program.settled) {
      await it.program.result();
      fail(
        "The sorter was told to stop while a parcel was in its hands, and `sortParcels` returned before `sort` was done. What `sort` throws then, nobody hears.",
        { readme: "stop-means-now" },
      );
    }
    await expectThrown();

    // Both have thrown, and their processes are still there: so are the parcels, if somebody keeps them.
    const thrown = [first, it];
    const threwBoth = mark();
    const keeps = () =>
      server.seen(
        (wire) => wire.inProgress(({ client, index }) => client !== "sorter 3" && index > threwBoth),
        [],
      );
    const third = await learner.start(
      "sortParcels",
      [server.connection("sorter 3"), living, new AbortController().signal],
      { name: "sortParcels" },
    );
    const gotBoth = () => [1, 2].every((no) => numbers(living.received).includes(no));
    const inVain = lasting(patienceMs, () => !gotBoth());
    await until(
      "sorter 3 to sort parcels 1 and 2",
      () => gotBoth() || third.settled || keeps().length > 1 || inVain(),
    );
    if (!gotBoth() && keeps().length > 1) {
      fail(
        `\`sort\` threw, and \`sortParcels\` did, too. But the sorter goes on to tell the server that it works on parcel ${keeps()[0]?.streamSeq}. So the \`ack_wait\` begins again each time, and no other sorter gets the parcel.`,
        {
          readme: "an-error-that-was-caught-is-dealt-with",
          evidence: keeps()
            .slice(0, 2)
            .map((event) => wireLine(event)),
        },
      );
    }
    if (third.settled) await third.result();
    // What they may hold in some other way goes with them.
    for (const { program } of thrown) await program.kill();
    await until("sorter 3 to sort parcels 1 and 2", gotBoth);
    await third.kill();
  },
);

check(
  "a sorter that is told to stop finishes the parcel in its hands",
  {
    beliefs: {
      "stop-means-now": stopMeansNow,
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const manager = await server.manager();
    await depot(manager, noRedelivery());
    for (let no = 1; no <= 3; no++) await publish(server, no);
    const stop = new AbortController();
    const open = gate();
    const sort = hook<[Parcel], Promise<void>>(() => open.wait());
    const program = await learner.start("sortParcels", [server.connection("sorter"), sort, stop.signal], {
      name: "sortParcels",
    });
    await until("the sorter to sort a parcel", () => sort.running > 0 || program.settled);
    if (program.settled) await program.result();
    expectParcels("sort", sort);
    expectFromSorters(server, "sorter");
    believes("stop-means-now", {
      when: () => stop.signal.aborted && program.settled && program.error === undefined && sort.running > 0,
      message: () =>
        `The sorter was told to stop while parcel ${numbers(sort.received)[0]} was in its hands, and \`sortParcels\` returned before \`sort\` was done. The caller now ends the process: the parcel lies half sorted somewhere, and another sorter begins it once more.`,
      evidence: () => [
        `sorted when the function was done  ${sort.calls.length - sort.running} of ${sort.calls.length}`,
      ],
      wire: () => server.wire.by("sorter", "delivery", "ack", "nak", "term"),
    });
    const beforeTheStop = server.seen((wire) => wire.deliveries(), []).length;
    stop.abort();
    await program.answers();
    // Longer than a pull of a second: whoever waits for the parcel is not done then.
    const patient = lasting(1_200, () => true);
    await until("the sorter to be at its parcel", patient);
    const inHand = sort.running;
    open.open();
    await until("`sortParcels` to be done", () => program.settled || sort.calls.length > inHand);
    const more = numbers(sort.received)[inHand];
    if (more !== undefined) {
      const came = server.seen((wire) => wire.deliveries().slice(0, beforeTheStop), []);
      const waited = came.some(({ streamSeq }) => streamSeq === more);
      fail(
        `The sorter was told to stop while parcel ${numbers(sort.received)[0]} was in its hands, and began parcel ${more} after that. ${
          waited
            ? "That one had come before the stop, and waited in its memory: a loop that takes no more from the server still reads what is there."
            : "A sorter that was told to stop begins no other parcel. If one still comes, it leaves it to another sorter."
        }`,
        {
          readme: waited ? "after-the-stop-nothing-comes" : "a-loop-sees-the-stop",
          evidence: server.seen(
            (wire) => [
              ...wire
                .deliveries()
                .slice(0, 2)
                .map((event) => wireLine(event)),
              ...wire.of("program", { what: "told to stop" }).map((event) => wireLine(event)),
            ],
            [`sorted  parcels ${listed(numbers(sort.received))}`],
          ),
        },
      );
    }
    await program.result();
    await expectLeftOpen(program);
    const acked = async () => (await manager.consumers.info("PARCELS", "sorters")).ack_floor.stream_seq >= 1;
    // The connection is still open: what the program had sent when it was done arrives within moments.
    const never = lasting(2_000, () => true);
    await until("the parcel that was in its hands to be acked", async () => (await acked()) || never());
    if (!(await acked())) {
      fail(
        "The sorter was told to stop while parcel 1 was in its hands. It finished the parcel, returned, and did not ack it. So the server gives parcel 1 to another sorter, and it is sorted twice.",
        {
          evidence: server.wire
            .deliveries({ client: "sorter" })
            .slice(0, 1)
            .map((event) => wireLine(event)),
        },
      );
    }
  },
);

check(
  "a sorter that waits for a parcel returns when it is told to stop",
  {
    beliefs: {
      "the-loop-sees-stop": loopSeesStop,
      "an-empty-pull-is-the-end": {
        belief: "When I ask and nothing comes, the work is over.",
        readme: "if-no-parcels-come-there-are-none",
        hint: "What does `next()` give when its time is over and no parcel has come? What does that say about the next minute?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes }) => {
    const manager = await server.manager();
    await depot(manager, noRedelivery());
    await publish(server, 1);
    const stop = new AbortController();
    const sort = hook<[Parcel], Promise<void>>(async () => {});
    const program = await learner.start("sortParcels", [server.connection("sorter"), sort, stop.signal], {
      name: "sortParcels",
    });
    await until("the sorter to sort parcel 1", () => sort.calls.length > 0 || program.settled);
    if (program.settled) await program.result();
    expectParcels("sort", sort);
    expectFromSorters(server, "sorter");
    /** Pulls that wait in the server. */
    const waiting = async () => (await manager.consumers.info("PARCELS", "sorters")).num_waiting;
    await toWait(server, { until, lasting }, sort);

    const lastPull = () => server.wire.pulls({ client: "sorter" }).slice(-1);
    believes("an-empty-pull-is-the-end", {
      when: () => !stop.signal.aborted && program.settled && program.error === undefined,
      message:
        "The sorter asked for a parcel, and for a moment there was none. Then `sortParcels` returned, and nobody had told it to stop. When the next parcel comes, no sorter is there.",
      evidence: () => [`sorted  parcels ${listed(numbers(sort.received))}`],
      wire: () =>
        server.wire.events.filter(
          (event) =>
            event.client === "sorter" &&
            (event.kind === "pull" || (event.kind === "status" && event.code !== 100)),
        ),
    });
    // Whoever asks for a moment only, asks again when that is over. Whoever asks for longer waits on.
    const [waits] = server.seen(lastPull, []);
    if ((waits?.expiresMs ?? Number.POSITIVE_INFINITY) <= 1_200) {
      const long = lasting(patienceMs, () => true);
      await until(
        "the sorter to ask again",
        () => program.settled || (lastPull()[0]?.index ?? -1) > (waits?.index ?? -1) || long(),
      );
    }
    if (program.error) await program.result();
    await until("the sorter to be there", () => !program.settled);

    let stopped = Number.POSITIVE_INFINITY;
    const deaf = lasting(1_000, () => stop.signal.aborted && !program.settled);
    const deafForLong = lasting(patienceMs, () => stop.signal.aborted && !program.settled);
    believes("the-loop-sees-stop", {
      when: async () => {
        const signs = [deaf(), deafForLong()] as const;
        if (!stop.signal.aborted || program.settled) return false;
        return waitsForItsPull(server, "sorter", signs[0]) || (signs[1] && (await waiting()) > 0);
      },
      message:
        "The sorter was waiting for a parcel when it was told to stop. `sortParcels` has not returned since, and a pull of it still waits in the server. `stop` ends no call that waits: a loop looks at `stop.aborted` only when the call that it awaits is over.",
      evidence: () => [
        `told to stop       ${((performance.now() - stopped) / 1_000).toFixed(1)} s ago`,
        ...server
          .seen(lastPull, [])
          .flatMap(({ at, expiresMs }) =>
            expiresMs === undefined
              ? []
              : [
                  `the pull waits on  ${Math.max(0, (at + expiresMs - server.wire.now()) / 1_000).toFixed(1)} s`,
                ],
          ),
      ],
      wire: () => [...lastPull(), ...toldToStop(server)],
    });
    stopped = performance.now();
    stop.abort();
    await program.result();
    await expectLeftOpen(program);
  },
);

check(
  "a sorter that was told to stop leaves a parcel that comes then",
  {
    beliefs: {
      "asked-before-the-stop": {
        belief: "I look at the stop before I ask for a parcel, so I may sort what comes.",
        readme: "a-loop-sees-the-stop",
        hint: "How long may your program wait between its look at `stop.aborted` and the parcel? What can happen meanwhile?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const manager = await server.manager();
    await depot(manager, noRedelivery());
    const sorters = () => manager.consumers.info("PARCELS", "sorters");
    const sort = hook<[Parcel], Promise<void>>(async () => {});
    /** The parcel before the stop; each try has one. */
    let no = 1;
    const lastPull = () => server.wire.pulls({ client: "sorter" }).slice(-1);
    believes("asked-before-the-stop", {
      when: () => sort.calls.length > no,
      message: () =>
        `The sorter was waiting for a parcel when it was told to stop. Then parcel ${no + 1} came, and the sorter sorted it. Its pull was sent before the stop, but a parcel that comes after the stop is for another sorter.`,
      wire: () => [
        ...lastPull(),
        ...toldToStop(server).slice(-1),
        ...server.wire.deliveries(({ client, streamSeq }) => client === "sorter" && streamSeq > no),
      ],
    });
    await publish(server, no);
    for (; ; no++) {
      const stop = new AbortController();
      const program = await learner.start("sortParcels", [server.connection("sorter"), sort, stop.signal], {
        name: "sortParcels",
      });
      await until(`the sorter to sort parcel ${no}`, () => sort.calls.length >= no || program.settled);
      await expectAtWork(server, "sorter", program, sort);
      await toWait(server, { until, lasting }, sort);
      stop.abort();
      // It has heard that, and its pull may wait on.
      await program.answers();
      await publish(server, no + 1);
      await until("`sortParcels` to be done", () => program.settled || sort.calls.length > no);
      // Looks at the signs once more, now that it is over.
      await program.result();
      await until(`parcel ${no + 1} to be left`, () => sort.calls.length === no);
      await program.answers(2);
      if ((await sorters()).ack_floor.stream_seq > no) {
        fail(
          `The sorter was told to stop, and then parcel ${no + 1} came. The sorter did not sort it, and told the server that it is done: no other sorter will ever get it.`,
          { readme: "a-loop-sees-the-stop" },
        );
      }
      // On a busy machine the pull may have run out before the parcel came. That proves nothing.
      const ranOut = server.seen(
        (wire) => wire.statuses({ code: 408 }).some(({ request }) => request === lastPull()[0]?.index),
        false,
      );
      if (!ranOut || no === 3) break;
    }
  },
);

check(
  "a sorter whose consumer is deleted says so",
  {
    beliefs: {
      "silence-means-no-work": {
        belief: "If no parcels come, there are none.",
        readme: "if-no-parcels-come-there-are-none",
        hint: "The server did tell your program. Where did it say so: in the loop, in an error, or beside both? Look at the options of what you call, and at what your `catch` takes.",
      },
      "deleted-has-one-name": {
        belief: "When my consumer is deleted, the server sends me `consumer deleted`.",
        readme: "if-no-parcels-come-there-are-none",
        hint: "To which of your pulls did the server answer `consumer deleted`? Where was your program when none waited, and what came in answer to the pull after that?",
      },
      "the-end-means-done": {
        belief: "When the loop is over, the work is done.",
        readme: "when-the-loop-is-over-the-work-is-done",
        hint: "There are two reasons for your loop to end. Which one is it, and who has to know?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const manager = await server.manager();
    await depot(manager, noRedelivery());
    await publish(server, 1);
    const stop = new AbortController();
    const open = gate();
    const start = async (name: string, sort: Hook<[Parcel], Promise<void>>) => {
      const started = await learner.start("sortParcels", [server.connection(name), sort, stop.signal], {
        name: "sortParcels",
      });
      await until(`the ${name} to sort parcel 1`, () => sort.calls.length > 0 || started.settled);
      if (started.settled) await started.result();
      expectFromSorters(server, name);
      return started;
    };
    let client = "sorter";
    let atWork = false;
    let deletedAt = Number.POSITIVE_INFINITY;
    const first = hook<[Parcel], Promise<void>>(async () => {});
    let program = await start(client, first);
    await toWait(server, { until, lasting }, first);

    const answers = () =>
      server.wire.events.filter(
        (event) =>
          event.client === client &&
          event.index > deletedAt &&
          ((event.kind === "status" && event.code !== 100) || (event.kind === "apiReply" && !event.ok)),
      );
    const refusals = () =>
      server.wire.statuses(
        (event) =>
          event.client === client && event.index > deletedAt && (event.code === 409 || event.code === 503),
      );
    const told = () =>
      refusals().length > 0 ||
      server.wire.of("apiReply", (event) => event.client === client && event.index > deletedAt && !event.ok)
        .length > 0;
    /** An ack that wants an answer is refused as well; whoever has heard that has not asked for a parcel yet. */
    const asked = () => server.wire.pulls((event) => event.client === client && event.index > deletedAt);
    const deaf = lasting(1_500, () => !atWork && told() && !program.settled);
    const deafAfterWork = lasting(1_500, () => atWork && told() && asked().length > 0 && !program.settled);
    const statuses = () => [
      `refusals by the server  ${refusals().length}`,
      `pulls of the sorter     ${server.wire.total("pull")}`,
    ];
    believes("silence-means-no-work", {
      when: () => deaf(),
      message:
        "The consumer was deleted, the server told the sorter, and the sorter goes on as if nothing had happened: it waits for parcels that can never come, and nobody knows.",
      evidence: statuses,
      wire: () => answers().slice(0, 3),
    });
    believes("deleted-has-one-name", {
      when: () => deafAfterWork(),
      message:
        "The consumer was deleted while the sorter sorted a parcel, so that no pull of it waited. When it asked for the next one, the server refused: nobody answers for that consumer any more. The sorter goes on as if nothing had happened: it waits for parcels that can never come, and nobody knows.",
      evidence: statuses,
      wire: () => [...server.wire.deliveries({ client }).slice(-1), ...answers().slice(0, 2)],
    });
    believes("the-end-means-done", {
      when: () => told() && program.settled && program.error === undefined,
      message:
        "The consumer was deleted, and `sortParcels` returned, without an error, as if it had been told to stop. Whoever started the sorter believes that all is well, while parcels pile up.",
      evidence: statuses,
      wire: () => answers().slice(0, 3),
    });
    const deleteConsumer = async () => {
      deletedAt = server.seen((wire) => wire.mark(), -1);
      await manager.consumers.delete("PARCELS", "sorters");
    };
    await deleteConsumer();
    await until("`sortParcels` to say that its consumer is gone", () => program.settled);
    // Looks at the signs once more, now that it is over.
    await until("an error that says so", () => program.error !== undefined);

    // It is made anew, and deleted while a sorter is at work and no pull of it waits.
    await addSorters(manager, noRedelivery());
    client = "sorter 2";
    deletedAt = Number.POSITIVE_INFINITY;
    program = await start(
      client,
      hook<[Parcel], Promise<void>>(() => open.wait()),
    );
    await program.answers(2);
    atWork = true;
    await deleteConsumer();
    open.open();
    const silent = lasting(
      patienceMs,
      () => !program.settled && !server.seen(() => told() && asked().length > 0, false),
    );
    await until("`sortParcels` to say that its consumer is gone", () => program.settled || silent());
    if (!program.settled) {
      // An old server does not answer that pull.
      if (server.seen(() => asked().length > 0, true)) return program.kill();
      fail(
        "The consumer was deleted while the sorter sorted a parcel. It finished the parcel, and since then it has neither thrown nor asked for another one.",
        {
          readme: "if-no-parcels-come-there-are-none",
          evidence: server.seen(answers, []).map((event) => wireLine(event)),
        },
      );
    }
    await until("an error that says so", () => program.error !== undefined);
  },
);

check(
  "the screen shows every parcel in order, also when its connection breaks",
  {
    budgetMs: 15_000,
    beliefs: {
      "subscribe-sees-the-stream": {
        belief: "Who subscribes to the subjects of a stream sees what is in the stream.",
        readme: "a-subscription-sees-the-stream",
        hint: "Which of your calls speaks to the stream? Which one would work in the same way if there were no stream at all?",
      },
      "push-loses-nothing": {
        belief: "What a consumer pushes to me arrives.",
        readme: "what-is-pushed-arrives",
        hint: "Parcels were on the way when the connection broke. How would your program, or the server, notice that they did not arrive? Which kind of consumer looks at the sequences for you?",
      },
      "reconnect-starts-over": {
        belief: "After a reconnect I must subscribe again.",
        readme: "after-a-reconnect-i-must-subscribe-again",
        hint: "What does the client do by itself when it connects again? What does your code add to that?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    await depot(await server.manager(), noRedelivery());
    let stored = 0;
    const store = async (count: number) => {
      for (let i = 0; i < count; i++) {
        stored++;
        await publish(server, stored);
      }
    };
    const show = hook<[Parcel], Promise<void>>(async () => {});
    const shown = () => numbers(show.received);
    /** The first place where a number is not the one after that before it. */
    const broken = () => shown().findIndex((no, i) => i > 0 && no !== (shown()[i - 1] ?? 0) + 1);
    let cut = false;
    const around = () => [
      `in the stream  parcels 1 to ${stored}`,
      `shown          ${listed(shown().slice(0, 14))}`,
    ];
    /** What came to the screen around the break of its connection. */
    const atTheBreak = () => server.wire.by("screen", "message", "delivery", "connect").slice(-4);
    believes("subscribe-sees-the-stream", {
      when: () => (shown()[0] ?? 1) > 1 && server.wire.deliveries({ client: "screen" }).length === 0,
      message: () =>
        `Three parcels were in the stream, and the first that the screen showed was parcel ${shown()[0]}. A plain subscription hears what is published from now on. It does not know that there is a stream.`,
      evidence: () => [...around(), "deliveries from the stream to the screen  none"],
      wire: () => server.wire.by("screen", "subscribe", "message").slice(0, 3),
    });
    believes("push-loses-nothing", {
      when: () => {
        const at = broken();
        return cut && at > 0 && (shown()[at] ?? 0) > (shown()[at - 1] ?? 0);
      },
      message: () => {
        const at = broken();
        return `The connection broke while parcels were on the way to the screen. It came back, and the screen went on with parcel ${shown()[at]} after parcel ${shown()[at - 1]}. For the server the parcels between were delivered; nobody noticed that they did not arrive.`;
      },
      evidence: around,
      wire: () => atTheBreak(),
    });
    believes("reconnect-starts-over", {
      when: () => {
        const at = broken();
        return cut && at > 0 && (shown()[at] ?? 0) <= (shown()[at - 1] ?? 0);
      },
      message: () => {
        const at = broken();
        return `The connection broke and came back, and after parcel ${shown()[at - 1]} the screen showed parcel ${shown()[at]} again. The client had subscribed again by itself; a second subscription, or one from the start, shows parcels twice.`;
      },
      evidence: around,
      wire: () => {
        const again = shown()[broken()];
        const after = server.wire.events.filter(
          (event) => event.client === "screen" && event.index > (server.wire.of("fault").at(-1)?.index ?? 0),
        );
        const delivered = after
          .filter((event) => event.kind === "delivery" && event.streamSeq === again)
          .slice(-1);
        const made = after.filter(
          (event) =>
            event.kind === "api" &&
            event.call === "CONSUMER.CREATE" &&
            event.index < (delivered[0]?.index ?? Number.POSITIVE_INFINITY),
        );
        return [...after.filter(({ kind }) => kind === "connect"), ...made.slice(-2), ...delivered];
      },
    });

    await store(3);
    const stop = new AbortController();
    const program = await learner.start(
      "watchParcels",
      [server.connection("screen", { reconnectTimeWait: 10 }), show, stop.signal],
      {
        name: "watchParcels",
      },
    );
    const listening = () => server.wire.of("subscribe", { client: "screen" }).length > 0;
    await until("the screen to show a parcel", async () => {
      if (show.calls.length > 0 || program.settled) return true;
      // A screen that hears only what is new gets something to hear.
      if (listening() && stored < 60) await store(1);
      return false;
    });
    if (program.settled) await program.result();
    expectParcels("show", show);
    const [taken] = server.wire.deliveries({ client: "screen", consumer: "sorters" });
    if (taken) {
      fail(
        "The screen reads from the consumer `sorters`. What a sorter has in its hands, the screen cannot show, and what the screen takes, no sorter gets. It needs a consumer of its own.",
        { readme: "a-consumer-is-a-window", evidence: [wireLine(taken)] },
      );
    }
    const before = stored;
    await until(
      `the screen to show parcels 1 to ${before}`,
      () => show.calls.length >= before && show.running === 0,
    );

    // Three parcels are on the way to the screen when its connection breaks.
    const onTheWay = server.relay.hold((event) => event.kind === "delivery", {
      who: "screen",
      what: "parcels",
    });
    await store(3);
    await until("the next parcels to be sent to the screen", () => onTheWay.events.length > 0);
    cut = true;
    onTheWay.drop();
    server.relay.cut("screen");
    await until("the screen to connect again", () => server.relay.isConnected("screen"));
    await store(1);
    // What comes twice comes at once.
    const atTheEnd = lasting(200, () => shown().includes(stored));
    await until(`the screen to show parcels up to ${stored}`, atTheEnd);
    // How a screen ends is the business of other checks.
    await program.kill();
    expect(shown(), "The parcels that the screen has shown").toEqual(
      Array.from({ length: stored }, (_, i) => i + 1),
    );
  },
);

check(
  "the screen takes nothing from the sorters and leaves nothing behind",
  {
    beliefs: {
      "a-consumer-is-a-window": {
        belief: "A consumer is a window into the stream; anybody may look through it.",
        readme: "a-consumer-is-a-window",
        hint: "What does the consumer `sorters` do with a parcel that it has given to your screen? Whose place in the stream has moved?",
      },
      "the-loop-sees-stop": loopSeesStop,
      "a-screen-must-be-remembered": {
        belief: "A reader needs a durable consumer, or it misses something.",
        readme: "every-reader-needs-a-durable-consumer",
        hint: "Who should remember something about a screen that is switched off? For how long?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes }) => {
    const manager = await server.manager();
    await depot(manager, noRedelivery());
    for (let no = 1; no <= 4; no++) await publish(server, no);
    const show = hook<[Parcel], Promise<void>>(async () => {});
    const taken = () => server.wire.deliveries({ client: "screen", consumer: "sorters" });
    let left: string[] = [];
    const stop = new AbortController();
    believes("a-consumer-is-a-window", {
      when: () => taken().length > 0,
      message: () =>
        `The screen got parcel ${taken()[0]?.streamSeq} from the consumer \`sorters\`. So no sorter gets it now: a consumer gives each message to one of those who ask. A screen that only looks needs a consumer of its own.`,
      wire: () => taken().slice(0, 3),
    });
    const notDone = () =>
      stop.signal.aborted && show.calls.length >= 4 && show.running === 0 && !program.settled;
    const deaf = lasting(1_000, notDone);
    const deafForLong = lasting(patienceMs, notDone);
    believes("the-loop-sees-stop", {
      when: () => {
        const signs = [deaf(), deafForLong()] as const;
        return notDone() && (signs[1] || waitsForItsPull(server, "screen", signs[0]));
      },
      message:
        "The screen had shown all parcels when it was told to stop. `watchParcels` has not returned since. `stop` ends no loop that waits: a loop looks at `stop.aborted` only when the next message comes, or the wait for it is over.",
      evidence: () => [
        "parcels in the stream  1 to 4",
        `parcels shown          ${listed(numbers(show.received))}`,
      ],
      wire: () => [...server.wire.deliveries({ client: "screen" }).slice(-1), ...toldToStop(server)],
    });
    believes("a-screen-must-be-remembered", {
      when: () => left.length > 0,
      message: () =>
        `The screen was switched off, and its durable consumer ${left[0]} is still in the server. It stays there for ever, with its position and what is pending for it, and with each new screen there may be one more.`,
      evidence: () => left.map((name) => `consumer ${name}  durable`),
      wire: () =>
        server.wire
          .of("api", (event) => event.client === "screen" && event.call.startsWith("CONSUMER."))
          .slice(0, 1),
    });
    const program = await learner.start("watchParcels", [server.connection("screen"), show, stop.signal], {
      name: "watchParcels",
    });
    // A plain subscription hears nothing here: all parcels are stored before.
    const plain = lasting(1_000, () => listensOnly(server) && show.calls.length === 0);
    await until(
      "the screen to show parcels 1 to 4",
      () => show.calls.length >= 4 || program.settled || plain(),
    );
    if (program.settled) await program.result();
    if (show.calls.length === 0) throw new Finding(showedNothing(server, 4));
    expectParcels("show", show);
    await until("the screen to be done with them", () => show.running === 0);
    // It knows that the last one has been shown, and waits.
    await program.answers(2);
    stop.abort();
    await program.result();
    const consumers = await manager.consumers.list("PARCELS").next();
    // One with a threshold is removed by the server, as one without a name.
    left = consumers.flatMap(({ config: { durable_name, inactive_threshold } }) =>
      durable_name && durable_name !== "sorters" && !inactive_threshold ? [durable_name] : [],
    );
    await until("nothing of the screen to be left", () => left.length === 0);
    const info = await manager.consumers.info("PARCELS", "sorters");
    expect(info.num_pending, "Parcels that wait for the sorters").toBe(4);
    expect(numbers(show.received), "The parcels that the screen has shown").toEqual([1, 2, 3, 4]);
  },
);

check(
  "the screen shows one parcel at a time, and none after it was told to stop",
  {
    beliefs: {
      "show-is-awaited": {
        belief: "The next parcel comes when the last one has been shown.",
        readme: "a-callback-is-awaited",
        hint: "What does `show` give back, and what does your program do with it? When does the loop take the next message?",
      },
      "stop-means-now": stopMeansNow,
      "unsubscribed-is-empty": {
        belief: "When I have unsubscribed, or stopped, no more messages come.",
        readme: "after-the-stop-nothing-comes",
        hint: "Where are the messages that had come before you unsubscribed or stopped, and that your loop has not read?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    await depot(await server.manager(), noRedelivery());
    for (let no = 1; no <= 6; no++) await publish(server, no);
    const stop = new AbortController();
    const open = gate();
    const show = hook<[Parcel], Promise<void>>(() => open.wait());
    const came = () => server.wire.deliveries({ client: "screen" });
    believes("show-is-awaited", {
      when: lasting(100, () => show.running > 1),
      message: () =>
        `The screen shows ${show.running} parcels at the same time. \`show\` takes a while, and your program goes on with the next parcel while the last one is being shown.`,
      evidence: () => [`being shown  parcels ${listed(numbers(show.received))}`],
      wire: () => came(),
    });
    believes("stop-means-now", {
      when: () => stop.signal.aborted && program.settled && program.error === undefined && show.running > 0,
      message: () =>
        `The screen was told to stop while it showed parcel ${numbers(show.received)[0]}, and \`watchParcels\` returned before \`show\` was done. The caller now ends the process, in the middle of a parcel.`,
      evidence: () => [
        `shown when the function was done  ${show.calls.length - show.running} of ${show.calls.length}`,
      ],
      wire: () => [...came().slice(0, 1), ...toldToStop(server)],
    });
    let switchedOff = Number.POSITIVE_INFINITY;
    let cameBefore = 0;
    /** The parcel that it showed after the stop. */
    const late = () => numbers(show.received)[switchedOff];
    const waited = () =>
      server.seen(
        (wire) =>
          wire
            .deliveries({ client: "screen" })
            .slice(0, cameBefore)
            .some(({ streamSeq }) => streamSeq === late()),
        true,
      );
    believes("unsubscribed-is-empty", {
      when: () => late() !== undefined && waited(),
      message: () =>
        `The screen was told to stop while it showed parcel ${numbers(show.received)[0]}, and showed parcel ${late()} after that. It had come already, and waited in the client: to unsubscribe, or to stop, keeps new messages away, and your loop still reads those that are there.`,
      evidence: () => [
        `came before the stop      ${cameBefore}`,
        `shown                     parcels ${listed(numbers(show.received))}`,
      ],
      wire: () => [...came().slice(0, 2), ...toldToStop(server)],
    });
    const program = await learner.start("watchParcels", [server.connection("screen"), show, stop.signal], {
      name: "watchParcels",
    });
    // A plain subscription hears nothing here: all parcels are stored before.
    const plain = lasting(1_000, () => listensOnly(server) && show.calls.length === 0);
    await until("the screen to show a parcel", () => show.running > 0 || program.settled || plain());
    if (program.settled) await program.result();
    if (show.calls.length === 0) throw new Finding(showedNothing(server, 6));
    expectParcels("show", show);
    // What the server sends and the client hands over, it does at once.
    const settled = lasting(300, () => show.running > 0);
    await until("the screen to be at its parcel", settled);
    cameBefore = server.seen(() => came().length, 0);
    stop.abort();
    await program.answers(2);
    // Whoever does not wait for `show` is done then.
    const patient = lasting(300, () => true);
    await until("the screen to be at its parcel", patient);
    switchedOff = show.calls.length;
    open.open();
    await until("`watchParcels` to be done", () => program.settled || late() !== undefined);
    if (late() !== undefined && !waited()) {
      fail(
        `The screen was told to stop while it showed parcel ${numbers(show.received)[0]}, and showed parcel ${late()} after that, which came to it after the stop. A screen that was told to stop shows no other parcel.`,
        {
          readme: "a-loop-sees-the-stop",
          evidence: [...came(), ...toldToStop(server)]
            .sort((a, b) => a.index - b.index)
            .slice(0, 4)
            .map((event) => wireLine(event)),
        },
      );
    }
    await program.result();
    await expectLeftOpen(program);
    expect(numbers(show.received), "The parcels that the screen has shown").toEqual([1]);
  },
);
