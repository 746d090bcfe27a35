// Lesson 10: what is counted from the events of a depot, where a replay ends, what it survives, and how long a film takes.
import {
  type CheckServer,
  exercise,
  type Fail,
  gate,
  hook,
  type LearnerProgram,
  settingLine,
  type Until,
  type WireEvent,
} from "../../checker/kit/index.ts";
import type { ParcelEvent, Stock } from "./exercise.ts";

const { check } = exercise<typeof import("./exercise.ts")>();

const stream = { name: "PARCELS", subjects: ["parcel.*.*"] };
const hourMs = 3_600_000;

interface Stored {
  readonly parcel: string;
  readonly seq: number;
  readonly at: Date;
}

/**
 * nats-server 2.9.10 says now and then that one event fewer is left than there is, to a consumer that begins in the middle of a stream.
 * 2.9.15 does not.
 */
const countsWhatIsLeft = "2.9.15";

/** The depots of a check, which store their events one after the other. */
async function depots(server: CheckServer) {
  const manager = await server.manager();
  const js = await server.jetstream();
  await manager.streams.add(stream);
  let no = 0;
  const event = (scannedAt = new Date()): ParcelEvent => ({
    parcel: `P-${++no}`,
    scannedAt: scannedAt.toISOString(),
  });
  /** `ams in` for parcel.ams.in. */
  const subjectOf = (what: string) => `parcel.${what.replace(" ", ".")}`;
  return {
    manager,
    /** Stores an event of each subject, `ams in` for parcel.ams.in. The parcels are three, which come and go. */
    async store(...subjects: string[]): Promise<void> {
      for (const subject of subjects) {
        const { parcel, scannedAt } = event();
        const again = { parcel: `P-${(Number(parcel.slice(2)) % 3) + 1}`, scannedAt };
        await js.publish(subjectOf(subject), JSON.stringify(again));
      }
    },
    /** Stores so many parcels that came into Amsterdam, without waiting for each. */
    async storeMany(count: number): Promise<void> {
      const nc = await server.client();
      const { messages } = (await manager.streams.info("PARCELS")).state;
      for (let stored = 1; stored < count; stored++) nc.publish("parcel.ams.in", JSON.stringify(event()));
      // They are stored in the order in which they came. When this one is, all are.
      const { seq } = await js.publish("parcel.ams.in", JSON.stringify(event()));
      if (seq !== messages + count) throw new Error(`Event ${messages + count} has sequence ${seq}.`);
    },
    /**
     * Stores an event in a millisecond of its own, and away from the next one: clocks with rounded times agree on it.
     * @param late in the second half of its millisecond
     */
    async storeAlone(
      subject: string,
      { scannedAt, late = false }: { scannedAt?: Date; late?: boolean } = {},
    ): Promise<Stored> {
      for (;;) {
        const last = Date.now();
        while (Date.now() < last + 3) await new Promise((resolve) => setTimeout(resolve, 1));
        const made = event(scannedAt);
        const { seq } = await js.publish(subjectOf(subject), JSON.stringify(made));
        const { time, timestamp } = await manager.streams.getMessage("PARCELS", { seq });
        const nanos = Number(/\.(\d+)/.exec(timestamp)?.[1]?.padEnd(9, "0") ?? 0);
        const rest = nanos % 1_000_000;
        if (rest > (late ? 550_000 : 1_000) && rest < 999_000) return { parcel: made.parcel, seq, at: time };
        await manager.streams.deleteMessage("PARCELS", seq);
      }
    },
    /** Nothing of a program stays for ever: no consumer that the server does not remove by itself. */
    async stays(): Promise<string | undefined> {
      const consumers = await manager.consumers.list("PARCELS").next();
      return consumers.find(({ config }) => config.durable_name && !config.inactive_threshold)?.name;
    },
  };
}

/** What reads history leaves no consumer behind that the server keeps for ever. */
function expectNothingLeft(name: string, consumer: string | undefined, fail: Fail): void {
  if (consumer === undefined) return;
  fail(
    `\`${name}\` has returned, and its durable consumer \`${consumer}\` is still in the server, which removes it never. Whoever only reads leaves nothing behind.`,
    { readme: "the-server-remembers-how-far-i-came" },
  );
}

/** Once a program's connection has come back, its client has no more to do about the break. */
const connectedAgain = (
  server: CheckServer,
  client: string,
  program: LearnerProgram<unknown>,
  until: Until,
) =>
  until(
    "the program to be connected again",
    () => program.exit || server.wire.of("connect", { client }).length > 1,
  );

const inWords = (value: unknown) => {
  const text = JSON.stringify(value) ?? "undefined";
  return text.length > 90 ? `${text.slice(0, 90)}…` : text;
};

/** What a count must have given: so many parcels, up to a sequence between the last event that it counts and the next one. */
function rightStock(value: Stock, parcels: number, last: number, before: number, fail: Fail): void {
  const right = value?.parcels === parcels && value.sequence >= last && value.sequence < before;
  if (right) return;
  fail(
    `In the depot ${parcels === 1 ? "lies one parcel" : `lie ${parcels} parcels`}, and its last event has sequence ${last}. \`countStock\` should have returned that; it returned ${inWords(value)}.`,
  );
}

/** The consumers that a client asked for. */
const consumers = (server: CheckServer, client: string) =>
  server.wire.of("api", { client }).filter(({ call }) => /^CONSUMER\.(DURABLE\.)?CREATE/.test(call));
/** What a client asked of the server, to read the stream. */
const asked = (server: CheckServer, client: string) =>
  server.wire
    .of("api", { client })
    .filter(({ call }) => /^(CONSUMER\.(DURABLE\.)?CREATE|STREAM\.INFO)/.test(call));
/** All that a client asked has its answer. */
const noQuestions = (server: CheckServer, client: string) =>
  server.wire.of("api", { client }).length === server.wire.of("apiReply", { client }).length;
/** A client has asked for what it wants to read, and waits for nothing but that. */
const asksNoMore = (server: CheckServer, client: string) =>
  asked(server, client).length > 0 && noQuestions(server, client);

/** A setting of the last consumer that a client asked for, as lines of evidence. */
const settings = (server: CheckServer, client: string, setting: string) =>
  consumers(server, client)
    .slice(-1)
    .map((event) => settingLine(event, setting));

/** Waits until so much time has passed since an event was stored. */
const timePasses = (ms: number, since: Stored | undefined, until: Until) =>
  until("the time of the next event", () => Date.now() >= (since?.at.getTime() ?? 0) + ms);

check(
  "a count goes on where the last one ended",
  {
    needsServer: countsWhatIsLeft,
    beliefs: {
      "a-durable-is-for-replays": {
        belief: "The server should remember how far my replay came.",
        readme: "the-server-remembers-how-far-i-came",
        hint: "Who else may want to count this depot from the beginning? What does your second count get, when the server remembers the first one?",
      },
      "begins-with-the-last-one": {
        belief: "To go on after a sequence, I start at that sequence.",
        readme: "going-on-means-plus-one",
        hint: "Is the event with the sequence in `known` counted already? Which is the first one that is not?",
      },
    },
  },
  async ({ server, learner, believes, fail }) => {
    const { store, stays } = await depots(server);
    await store("turin in", "rtm in", "turin in", "turin out", "rtm in", "rtm out", "turin in");
    let durable: string | undefined;
    let later: Stock | undefined;
    believes("a-durable-is-for-replays", {
      when: () => durable !== undefined,
      message: () =>
        `The count is over, and the durable consumer \`${durable}\` is still in the server, which removes it never. It remembers how far this count came: whoever uses it for the next one does not begin at the beginning. A replay keeps its own place.`,
      evidence: () => [`consumer    ${durable}, durable`],
      wire: () => asked(server, "office").slice(-1),
    });
    believes("begins-with-the-last-one", {
      when: () =>
        later?.parcels === 5 &&
        server.wire.deliveries({ client: "office later" }).some(({ streamSeq }) => streamSeq === 7),
      message:
        "Up to sequence 7 all was counted. The second count was to go on after it, and read the event with sequence 7 again: a parcel that came in once is counted twice. The first event that is not counted has a higher sequence.",
      evidence: () => settings(server, "office later", "opt_start_seq"),
      wire: () => server.wire.deliveries({ client: "office later" }).slice(0, 1),
    });

    const counting = await learner.start("countStock", [server.connection("office"), "turin"]);
    const known = await counting.result();
    durable = await stays();
    rightStock(known, 2, 7, 8, fail);

    await store("turin in", "rtm in", "turin in", "turin out", "rtm in", "turin in");
    later = await counting.again<Stock>("countStock", [server.connection("office later"), "turin", known]);
    rightStock(later, 4, 13, 14, fail);
    // Whoever has no earlier count gets the same.
    const fresh = await learner.start("countStock", [server.connection("other office"), "turin"]);
    rightStock(await fresh.result(), 4, 13, 14, fail);
    fresh.leavesConnectionOpen();
  },
);

check(
  "a count ends with the last event of the depot",
  {
    needsServer: countsWhatIsLeft,
    budgetMs: 15_000,
    beliefs: {
      "the-end-is-the-last-sequence": {
        belief: "The replay is over when the stream's last sequence has come.",
        readme: "the-last-sequence-may-never-come",
        hint: "To which depot does the last message of the stream belong? Is it still there? What does each message say about those that follow?",
      },
      "waits-for-the-first": {
        belief: "When I ask for events, at least one will come.",
        readme: "there-may-be-no-event-at-all",
        hint: "What does your loop wait for when there is nothing to read? Who can tell you so before the loop begins?",
      },
    },
  },
  async ({ server, learner, lasting, believes, fail }) => {
    const { manager, store } = await depots(server);
    await store("ams in", "ams in", "ams out", "ams in", "rtm in", "rtm in");
    for (const seq of [4, 6]) await manager.streams.deleteMessage("PARCELS", seq);

    let counting: LearnerProgram<Stock> | undefined;
    let client = "";
    let waits = () => false;
    const next = (name: string) => {
      client = name;
      // Its own for each: nothing of the wait for one counts for the next.
      waits = lasting(3_000, () => counting !== undefined && !counting.exit && asksNoMore(server, name));
      return server.connection(name);
    };
    const read = () => server.wire.deliveries({ client });
    /** It is still there to hear of events. */
    const reads = () =>
      !server.wire.of("unsubscribe", { client }).some(({ index }) => index > (read().at(-1)?.index ?? 0));
    believes("the-end-is-the-last-sequence", {
      when: () => read().some(({ streamSeq }) => streamSeq === 3) && reads() && waits(),
      message:
        "All events of the depot were read, and the count goes on waiting. The last sequence of the stream is 6, but that message was deleted, and number 5 belongs to another depot. Neither of them will ever come to a reader of this depot.",
      evidence: () => ["in the stream  1 to 3 of ams, 5 of rtm; 4 and 6 were deleted"],
      wire: () => read().slice(-1),
    });
    believes("waits-for-the-first", {
      when: () => read().length === 0 && waits(),
      message: () =>
        `${client === "office" ? "The depot" : client === "office lux" ? "The depot lux has no events, so" : "Nothing came since the last count, so"} there is nothing to read, and \`countStock\` waits for an event that nobody has sent. It was asked for history.`,
      evidence: () => ["to be read  nothing"],
      wire: () => asked(server, client).slice(-1),
    });
    counting = await learner.start("countStock", [next("office"), "ams"]);
    const known = await counting.result();
    rightStock(known, 1, 3, 7, fail);
    rightStock(await counting.again<Stock>("countStock", [next("office lux"), "lux"]), 0, 0, 7, fail);
    rightStock(
      await counting.again<Stock>("countStock", [next("office later"), "ams", known]),
      1,
      3,
      7,
      fail,
    );
    // The last message of the stream is one of the depot's, and it is known.
    await store("ams in");
    const all = await counting.again<Stock>("countStock", [next("office again"), "ams", known]);
    rightStock(all, 2, 7, 8, fail);
    rightStock(
      await counting.again<Stock>("countStock", [next("office at last"), "ams", all]),
      2,
      7,
      8,
      fail,
    );
    waits = () => false;
  },
);

check(
  "who reads history waits for a server that is slow",
  {
    budgetMs: 20_000,
    beliefs: {
      "quiet-is-the-end": {
        belief: "When nothing comes for a while, everything has come.",
        readme: "silence-is-not-the-end",
        hint: "What does your program know when nothing comes? Which messages tell how many are still to come?",
      },
    },
  },
  async ({ server, learner, until, believes, fail }) => {
    const { store, storeMany, storeAlone } = await depots(server);
    await storeMany(200);
    // Not in the archive's time, so that it knows where that ends.
    const edge = await storeAlone("ams in");
    const held = server.relay.hold((event) => event.kind === "delivery" && event.streamSeq > 20, {
      what: "all after the first 20 events",
    });
    const counting = await learner.start("countStock", [server.connection("office"), "ams"]);
    const looking = await learner.start("eventsBetween", [
      server.connection("archive"),
      "ams",
      new Date(0),
      edge.at,
    ]);
    const read = (client: string) =>
      server.wire.deliveries(({ client: reader, kept }) => reader === client && kept === undefined);
    /** Who has returned too little, and how much. */
    const short = () => {
      const { parcels = 0 } = counting.value ?? {};
      const { length = 0 } = looking.value ?? [];
      // Those that were passed on at first are in it.
      if (counting.settled && parcels >= 20 && parcels < 201)
        return { client: "office", returned: `\`countStock\` returned ${parcels} parcels` };
      if (looking.settled && length >= 20 && length < 200)
        return { client: "archive", returned: `\`eventsBetween\` returned ${length} events` };
      return undefined;
    };
    believes("quiet-is-the-end", {
      when: () => short() !== undefined,
      message: () =>
        `More than 200 parcels came into the depot. After some of these events the line was slow, nothing came for a while, and ${short()?.returned}. Nobody can see from the result that it is wrong.`,
      evidence: () => [
        `the last one that was read says  ${read(short()?.client ?? "").at(-1)?.pending ?? "?"} are still to come`,
      ],
      wire: () => read(short()?.client ?? "").slice(-1),
    });
    const both = [counting, looking];
    await until(
      "the first events to be read",
      () =>
        both.every(({ settled }) => settled) ||
        ["office", "archive"].every(
          (name, i) => both[i]?.settled || held.events.some(({ client }) => client === name),
        ),
    );
    // By the clock on the wall, as the programs' own timers.
    const from = performance.now();
    await until(
      "a while to pass",
      () => performance.now() - from > 4_000 || both.every(({ settled }) => settled),
    );
    for (const program of both) await program.answers(2);
    await until("who ended too soon to be looked at", () => short() === undefined);
    // What comes while it counts may be counted; but then the sequence says so.
    await store("ams in", "ams in", "ams in", "ams in", "ams in");
    held.release();
    const known = await counting.result();
    rightStock(known, Math.min(206, Math.max(201, known?.sequence)), 201, 207, fail);
    await store("ams in");
    const later = await counting.again<Stock>("countStock", [
      server.connection("office later"),
      "ams",
      known,
    ]);
    rightStock(later, 207, 207, 208, fail);
    const events = await looking.result();
    if (!Array.isArray(events) || events.length !== 200)
      fail(`200 events were stored before the time. \`eventsBetween\` returned ${inWords(events?.length)}.`);
  },
);

check(
  "a count survives a broken line, and a power cut",
  {
    needsServer: countsWhatIsLeft,
    // A pushed consumer notices only by missing heartbeats that it has to begin anew.
    budgetMs: 45_000,
    beliefs: {
      "what-was-sent-has-arrived": {
        belief: "What the server sent has arrived.",
        readme: "what-was-on-the-way-is-lost",
        hint: "A consumer without acks counts a message as delivered when it is sent. Where were the messages that were on the way? Who notices that some are missing?",
      },
      "starts-over": {
        belief: "After a break I just begin again.",
        readme: "going-on-means-plus-one",
        hint: "What had your program counted when the line broke? What happens to that when the first event comes once more?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const { manager, store, storeMany } = await depots(server);
    await storeMany(400);
    let client = "";
    let broke = "";
    let lost: readonly WireEvent[] = [];
    let counting: LearnerProgram<Stock> | undefined;
    const read = () => server.wire.deliveries({ client });
    /** What was counted, in the end. All events came in: the number is right when it is that of the sequence. */
    const counted = () => (counting?.settled && !counting.error ? counting.value : undefined);
    believes("what-was-sent-has-arrived", {
      when: () => {
        const { parcels = 400, sequence = 400 } = counted() ?? {};
        return lost.length > 0 && parcels < Math.max(400, sequence);
      },
      message: () =>
        `${broke} while events were on the way to the program, and they were lost. The server had sent them, so for this consumer they were delivered. \`countStock\` returned ${counted()?.parcels} parcels up to sequence ${counted()?.sequence}. All of these events came in, so the two numbers should be the same.`,
      evidence: () => [`lost on the way  ${lost.length} events`],
      wire: () => [
        ...lost,
        ...read()
          .filter(({ index }) => index > (lost.at(-1)?.index ?? 0))
          .slice(0, 1),
      ],
    });
    /** Both deliveries of one event that reached the program twice. */
    const twice = () => {
      const passed = read().filter(({ kept }) => kept === undefined);
      const seen = new Map<number, WireEvent>();
      for (const event of passed) {
        const before = seen.get(event.streamSeq);
        if (before) return [before, event];
        seen.set(event.streamSeq, event);
      }
      return [];
    };
    believes("starts-over", {
      when: () => {
        const { parcels = 400, sequence = 400 } = counted() ?? {};
        return parcels > sequence && twice().length > 0;
      },
      message: () =>
        `${broke} in the middle of the count. Then the program read events once more, and counted them on top of the others: \`countStock\` returned ${counted()?.parcels} parcels up to sequence ${counted()?.sequence}. All of these events came in, so the two numbers should be the same.`,
      wire: twice,
    });
    const countThrough = async (name: string, what: string, fault: () => Promise<void> | void) => {
      client = name;
      broke = what;
      const held = server.relay.hold((event) => event.kind === "delivery" && event.streamSeq > 20, {
        who: client,
        what: "all after the first 20 events",
      });
      lost = held.events;
      counting = await learner.start("countStock", [server.connection(client), "ams"], {
        name: "countStock",
      });
      const program = counting;
      await until("the first events to be read", () => lost.length > 0 || program.settled);
      // What it wants to ask, beside, is asked.
      await program.answers(2);
      const calm = lasting(300, () => noQuestions(server, client));
      await until("its questions to be answered", () => calm() || program.settled);
      held.drop();
      await fault();
      // Some see what they lost only when one more event comes.
      const waits = lasting(1_500, () => !program.settled);
      await until("`countStock` to be done", () => program.settled || waits());
      if (!program.settled) await store("ams in");
      const stock = await program.result();
      // All of its events came in.
      const { messages } = (await manager.streams.info("PARCELS")).state;
      rightStock(stock, Math.min(messages, Math.max(400, stock?.sequence)), 400, messages + 1, fail);
      await connectedAgain(server, client, program, until);
      // Before the next fault: it has nothing more to do with the server.
      await program.finish();
    };
    await countThrough("office", "The line broke", () => server.relay.cut("office"));
    await countThrough("other office", "The power went", async () => {
      await server.kill();
      await server.restart();
    });
  },
);

check(
  "a long history is counted to its end",
  {
    budgetMs: 25_000,
    beliefs: {
      "every-message-wants-an-ack": {
        belief: "Acks are for those who want to be sure; I can leave them out.",
        readme: "no-acks-or-all-of-them",
        hint: "How many events came before it stopped? Which limit of a consumer has this value? Does a replay need acks at all?",
      },
    },
  },
  async ({ server, learner, lasting, believes, fail }) => {
    const { storeMany } = await depots(server);
    await storeMany(1_050);
    const counting = await learner.start("countStock", [server.connection("office"), "ams"]);
    const read = () => server.wire.total("delivery");
    let before = 0;
    const stands = lasting(3_000, () => {
      const same = before === read();
      before = read();
      return same && before >= 1_000 && !counting.settled && !counting.exit;
    });
    believes("every-message-wants-an-ack", {
      when: () =>
        stands() &&
        server.wire.acks({ client: "office" }).length === 0 &&
        consumers(server, "office").some(({ text }) => text?.includes('"ack_policy":"explicit"')),
      message: () =>
        `The depot has 1050 events. After ${read()} of them nothing comes any more. The program asked for a consumer with explicit acks and acks nothing: at 1000 open messages the server waits for the first ack.`,
      evidence: () => settings(server, "office", "ack_policy"),
      wire: () => server.wire.deliveries({ client: "office" }).slice(-1),
    });
    rightStock(await counting.result(), 1_050, 1_050, 1_051, fail);
  },
);

check(
  "a history with a hole is an error, not a number",
  {
    needsServer: countsWhatIsLeft,
    beliefs: {
      "the-stream-keeps-all": {
        belief: "What I have not read yet is still in the stream.",
        readme: "the-beginning-may-be-gone",
        hint: "Which is the first sequence that the stream still has, and which one do you need? What does a consumer do that is to begin at a sequence that is gone?",
      },
      "sequences-never-start-again": {
        belief: "A sequence that I was told once stays right for ever.",
        readme: "the-stream-may-be-another-one",
        hint: "What is the highest sequence of a stream that was made anew? What does it mean when it is lower than the one you know?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const { manager, store } = await depots(server);
    await store(..."12345678".split("").map(() => "ams in"));
    await manager.streams.purge("PARCELS", { seq: 6 });

    let outcome: { value: Stock } | { error: unknown } | undefined;
    let client = "office";
    const took = () => outcome !== undefined && "value" in outcome;
    const answer = () => (outcome && "value" in outcome ? inWords(outcome.value) : "nothing yet");
    believes("the-stream-keeps-all", {
      when: () => client !== "office later" && took(),
      message: () =>
        `Events 1 to 5 are no longer in the stream, and this count needed ${client === "office" ? "all of them" : "the last of them"}. The server did not mind, and began with number 6. \`countStock\` returned ${answer()} as if nothing were missing.`,
      evidence: () => ["first sequence of the stream  6", ...settings(server, client, "opt_start_seq")],
      wire: () => server.wire.deliveries({ client }).slice(0, 1),
    });
    let asking = false;
    const waits = lasting(3_000, () => asking && outcome === undefined && asksNoMore(server, client));
    believes("sequences-never-start-again", {
      when: () => client === "office later" && (took() || waits()),
      message: () =>
        `Up to sequence 8 all was counted, and now the stream's last sequence is 2: it was deleted and made anew, with two other events. \`countStock\` ${took() ? `returned ${answer()}` : "waits"}. What it was told in \`known\` is about a stream that is no more, so no number can be right.`,
      evidence: () => ["last sequence of the stream  2", ...settings(server, client, "opt_start_seq")],
      wire: () => asked(server, client).slice(-1),
    });

    // What is needed is there: all is well.
    const counting = await learner.start("countStock", [
      server.connection("office now"),
      "ams",
      { parcels: 5, sequence: 5 },
    ]);
    rightStock(await counting.result(), 8, 8, 9, fail);
    outcome = await counting.attempt<Stock>("countStock", [server.connection(client), "ams"]);
    await until("`countStock` to throw, when the beginning is gone", () => outcome && "error" in outcome);
    client = "office again";
    outcome = await counting.attempt<Stock>("countStock", [
      server.connection(client),
      "ams",
      { parcels: 4, sequence: 4 },
    ]);
    await until(
      "`countStock` to throw, when events after `known` are gone",
      () => outcome && "error" in outcome,
    );

    await manager.streams.delete("PARCELS");
    await manager.streams.add(stream);
    await store("ams in", "ams in");
    client = "office later";
    outcome = undefined;
    asking = true;
    outcome = await counting.attempt<Stock>("countStock", [
      server.connection(client),
      "ams",
      { parcels: 8, sequence: 8 },
    ]);
    await until("`countStock` to throw, when the stream is another one", () => outcome && "error" in outcome);
  },
);

check(
  "the events between two times are those that were stored then",
  {
    budgetMs: 15_000,
    beliefs: {
      "reads-all-and-looks": {
        belief: "To find what happened then, I read everything and look at it.",
        readme: "begin-where-it-begins",
        hint: "How many years are in the stream? Which setting of a consumer names the time from which it is to deliver?",
      },
      "the-scanner-knows-the-time": {
        belief: "When it happened stands in the message.",
        readme: "two-clocks",
        hint: "Who wrote `scannedAt`, and by which clock? Which time does every message have that comes from a stream?",
      },
      "several-filters-are-one": {
        belief: "Two filters do the same as one with a wildcard.",
        readme: "several-filters-and-a-time",
        hint: "What does your consumer say in `num_pending`, with two filters, and with one? Which of the two did you ask for?",
      },
      "until-is-included": {
        belief: "Between two times means with both of them.",
        readme: "two-clocks",
        hint: "Two people ask for 8 to 9 and for 9 to 10. In whose list is what was stored at 9?",
      },
      "a-later-event-must-come": {
        belief: "The first event after the window tells me that it is over.",
        readme: "there-may-be-no-event-at-all",
        hint: "What if nothing was stored after the window? What does a message say about those that follow?",
      },
    },
  },
  async ({ server, learner, lasting, believes, fail }) => {
    const { storeMany, storeAlone, stays } = await depots(server);
    await storeMany(120);
    await storeAlone("ams in");
    const first = await storeAlone("ams in");
    // Two scanners whose clocks are wrong, by a day.
    const slow = await storeAlone("ams in", { scannedAt: new Date(Date.now() - 24 * hourMs) });
    await storeAlone("rtm in");
    const fast = await storeAlone("ams out", { scannedAt: new Date(Date.now() + 24 * hourMs) });
    const third = await storeAlone("ams out", { late: true });
    const edge = await storeAlone("ams in");
    const after = await storeAlone("ams in", { scannedAt: new Date(Date.now() - 24 * hourMs) });

    let client = "office";
    let found: readonly string[] | undefined;
    const deliveries = () => server.wire.deliveries({ client });
    const old = () => deliveries().filter(({ streamSeq }) => streamSeq < first.seq);
    believes("reads-all-and-looks", {
      when: () =>
        old().length > 5 &&
        !consumers(server, client).some(({ text }) =>
          /"opt_start_time"|"opt_start_seq":(?!1\b)/.test(text ?? ""),
        ),
      message: () =>
        `The first of the events that the program was asked for has sequence ${first.seq}, and it reads the stream from its beginning. Here that is a moment. In a stream of many years, it is everything that ever happened, for every question.`,
      evidence: () => settings(server, client, "deliver_policy"),
      wire: old,
    });
    /** Stored between the two times, and missing. */
    const missed = () =>
      client === "office" && found?.includes(third.parcel)
        ? [slow, fast].find(
            ({ parcel, seq }) =>
              !found?.includes(parcel) && deliveries().some(({ streamSeq }) => streamSeq === seq),
          )
        : undefined;
    believes("the-scanner-knows-the-time", {
      when: () => missed() !== undefined,
      message: () =>
        `${missed()?.parcel} was stored between the two times, and is missing. Its scanner's clock is a day ${missed() === slow ? "slow" : "fast"}, so \`scannedAt\` says another day. The server gives each message the time at which it was stored, by one clock.`,
      evidence: () => [`${missed()?.parcel} was stored at  ${missed()?.at.toISOString()}`],
      wire: () =>
        deliveries()
          .filter(({ streamSeq }) => streamSeq === missed()?.seq)
          .slice(-1),
    });
    /** The settings of a consumer with more than one filter that begins at a time. */
    const several = () =>
      consumers(server, client).filter(
        ({ text = "" }) => /"filter_subjects":\["[^"]+",/.test(text) && text.includes('"opt_start_time"'),
      );
    believes("several-filters-are-one", {
      when: () =>
        found !== undefined &&
        several().length > 0 &&
        !found.includes(client === "office" ? first.parcel : edge.parcel),
      message: () =>
        "The consumer has two filters and begins at a time. For such a one the server looks for the first event of each filter, and begins with the later of these: it passed over the events before. It says nothing about that. With one filter that has a wildcard it does not.",
      evidence: () =>
        several()
          .slice(0, 1)
          .map((event) => settingLine(event, "filter_subjects")),
      wire: () => deliveries().slice(0, 1),
    });
    believes("until-is-included", {
      when: () =>
        client === "office" && found?.includes(edge.parcel) === true && !found.includes(after.parcel),
      message: () =>
        `${edge.parcel} was stored in the very millisecond of \`until\`, and is in the list. Whoever asks for the time from there on gets it, too: then it is in two lists.`,
      evidence: () => [
        `${edge.parcel} was stored at  ${edge.at.toISOString()}`,
        `until  ${edge.at.toISOString()}`,
      ],
      wire: () =>
        deliveries()
          .filter(({ streamSeq }) => streamSeq === edge.seq)
          .slice(-1),
    });
    let waits = () => false;
    believes("a-later-event-must-come", {
      when: () => waits(),
      message: () =>
        client === "office later"
          ? "All events up to now were read, nothing was stored after the window, and `eventsBetween` waits. The event that could tell it so may come tomorrow, or never."
          : "Nothing was stored in this time, or after it, and `eventsBetween` waits. The event that could tell it so may come tomorrow, or never.",
      wire: () => [...asked(server, client).slice(-1), ...deliveries().slice(-1)],
    });
    const parcels = (events: readonly ParcelEvent[]) => {
      if (!Array.isArray(events))
        fail(`\`eventsBetween\` returns a list of events; it returned ${inWords(events)}.`);
      return events.map((event) => event?.parcel);
    };
    const right = (what: string, wanted: readonly string[]) => {
      if (inWords(found) !== inWords(wanted))
        fail(`${what} should be ${inWords(wanted)}. \`eventsBetween\` returned ${inWords(found)}.`);
    };

    const looking = await learner.start("eventsBetween", [
      server.connection(client),
      "ams",
      first.at,
      edge.at,
    ]);
    found = parcels(await looking.result());
    right("The events between the two times", [first.parcel, slow.parcel, fast.parcel, third.parcel]);
    const ask = async (name: string, from: Date, until: Date) => {
      client = name;
      found = undefined;
      waits = lasting(3_000, () => asksNoMore(server, name));
      const events = await looking.again<ParcelEvent[]>("eventsBetween", [
        server.connection(name),
        "ams",
        from,
        until,
      ]);
      waits = () => false;
      return parcels(events);
    };
    const tomorrow = new Date(Date.now() + 24 * hourMs);
    found = await ask("office later", edge.at, tomorrow);
    right("The events from then on", [edge.parcel, after.parcel]);
    found = await ask("office tomorrow", tomorrow, new Date(tomorrow.getTime() + hourMs));
    right("The events of tomorrow", []);
    found = await ask("office again", first.at, new Date(third.at.getTime() + 1));
    right("The events up to the next millisecond", [first.parcel, slow.parcel, fast.parcel, third.parcel]);
    found = await ask("office before", new Date(0), first.at);
    if (found.length !== 121)
      fail(`There are 121 events before ${first.parcel}. \`eventsBetween\` returned ${found.length}.`);
    expectNothingLeft("eventsBetween", await stays(), fail);
    looking.leavesConnectionOpen();
  },
);

check(
  "a film takes the time that the day took",
  {
    budgetMs: 25_000,
    beliefs: {
      "a-replay-takes-its-time": {
        belief: "A replay plays the events as they came.",
        readme: "as-fast-as-it-can",
        hint: "How fast does a consumer deliver what is there already? Which of its settings could change that?",
      },
      "the-next-event-ends-the-film": {
        belief: "The film is over when the first event comes that is not in it.",
        readme: "the-next-event-may-be-hours-away",
        hint: "At original speed, when does the event come that was stored after the film? Can you know before the film begins which of its events is the last?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const { storeAlone, stays } = await depots(server);
    await storeAlone("ams in");
    const from = (await storeAlone("rtm in")).at;
    // Unequal, so that one cannot be taken for another. Clocks of scanners are wrong here, too.
    const gaps = [800, 200, 600, 400];
    const day = [await storeAlone("ams in")];
    for (const [i, gap] of gaps.entries()) {
      if (i === 1) await storeAlone("rtm in");
      await timePasses(gap, day.at(-1), until);
      day.push(
        await storeAlone(i === 0 ? "ams out" : "ams in", { scannedAt: new Date(Date.now() - i * hourMs) }),
      );
    }
    // The fifth is not in the film.
    const later = day.pop() as Stored;
    const [first, , , last] = day as [Stored, Stored, Stored, Stored];
    const tookMs = last.at.getTime() - first.at.getTime();
    const wanted = day.map(({ parcel }) => parcel);
    const offsets = day.map(({ at }) => at.getTime() - first.at.getTime());

    let client = "";
    let playing: LearnerProgram<void> | undefined;
    let show = hook(async (_: ParcelEvent) => {});
    /** For each play, when each event was shown, in milliseconds after the first. */
    const plays: number[][] = [];
    const spans = () => plays.map((shownAt) => shownAt[3] ?? 0);
    const shown = () => show.received.map((event) => event?.parcel);
    // At its own speed, this one would come after hours: so it does not come.
    const atSpeed = () =>
      consumers(server, client)
        .filter(({ text }) => text?.includes('"replay_policy":"original"'))
        .map(({ about }) => about[1]);
    const held = server.relay.hold(
      (event) =>
        event.kind === "delivery" && event.streamSeq === later.seq && atSpeed().includes(event.consumer),
      { what: "the event after the film" },
    );
    const waits = lasting(
      2_500,
      () =>
        show.calls.length === 4 &&
        show.running === 0 &&
        playing?.settled === false &&
        noQuestions(server, client),
    );
    believes("the-next-event-ends-the-film", {
      when: () => waits() && held.events.length > 0,
      message:
        "The last event of the film was shown, and `playFilm` waits for the next event of the depot. At original speed that one comes when its time has passed: of a depot that was closed for a week, after a week.",
      evidence: () => settings(server, client, "replay_policy"),
      wire: () => [
        ...server.wire.deliveries({ client, streamSeq: last.seq }).slice(-1),
        ...held.events.slice(0, 1),
      ],
    });
    believes("a-replay-takes-its-time", {
      when: () => plays.length === 2 && spans().every((span) => span < 0.4 * tookMs),
      message: () =>
        `Between the first and the last event of the film passed ${tookMs} ms when they were stored, and ${Math.round(Math.max(...spans()))} ms when they were shown. A consumer delivers what is there as fast as it can.`,
      evidence: () => settings(server, client, "replay_policy"),
      wire: () => server.wire.deliveries({ client }),
    });
    // On a busy machine the first event may be shown late, and another one in time: then once more.
    for (client of ["office", "office later"]) {
      // The second takes longer than the time until the third. The last one takes a moment, too.
      show = hook(async (_: ParcelEvent) => {
        if (show.calls.length % 2 === 0) await new Promise((resolve) => setTimeout(resolve, 400));
      });
      playing = await learner.start("playFilm", [server.connection(client), "ams", from, later.at, show], {
        name: "playFilm",
      });
      await playing.result();
      if (inWords(shown()) !== inWords(wanted))
        fail(`The film should have shown ${inWords(wanted)}, each once. It showed ${inWords(shown())}.`);
      if (show.running > 0) fail("`playFilm` returned while `show` was still at work with the last event.");
      if (show.peak > 1) fail("`show` was given an event while it was still at work with the one before.");
      plays.push(show.calls.map(({ at }) => at - (show.calls[0]?.at ?? 0)));
      if (offsets.every((offset, i) => plays.some((shownAt) => (shownAt[i] ?? 0) >= 0.8 * offset))) break;
    }
    await until("the film to be looked at", () => spans().some((span) => span >= 0.4 * tookMs));
    const early = offsets.findIndex((offset, i) =>
      plays.every((shownAt) => (shownAt[i] ?? 0) < 0.8 * offset),
    );
    if (early > 0)
      fail(
        `Event ${early + 1} of the film was stored ${offsets[early]} ms after the first one, and shown ${plays.map((shownAt) => Math.round(shownAt[early] ?? 0)).join(" and ")} ms after it: too early.`,
      );
    client = "office tomorrow";
    const tomorrow = new Date(Date.now() + 24 * hourMs);
    await playing?.again("playFilm", [
      server.connection(client),
      "ams",
      tomorrow,
      new Date(tomorrow.getTime() + hourMs),
      show,
    ]);
    if (show.calls.length > 4) fail("Nothing was stored tomorrow, and the film of tomorrow shows something.");
    expectNothingLeft("playFilm", await stays(), fail);
    playing?.leavesConnectionOpen();
  },
);

check(
  "a film goes on after a power cut",
  {
    budgetMs: 20_000,
    beliefs: {
      "films-again": {
        belief: "When the line breaks, the film has to begin again.",
        readme: "what-was-on-the-way-is-lost",
        hint: "Which event was the last that you showed? Where does your program keep that, and who could begin right after it?",
      },
    },
  },
  async ({ server, learner, until, believes, fail }) => {
    const { storeAlone } = await depots(server);
    const day: Stored[] = [];
    while (day.length < 6) {
      await timePasses(250, day.at(-1), until);
      day.push(await storeAlone("ams in"));
    }
    const wanted = day.map(({ parcel }) => parcel);
    const back = gate();
    const show = hook(async (_: ParcelEvent) => {
      // The power goes while the second one is shown.
      if (show.calls.length === 2) await back.wait();
    });
    const shown = () => show.received.flatMap((event) => event?.parcel ?? []);
    const again = () => shown().find((parcel, i) => i >= 2 && shown().indexOf(parcel) < 2);
    believes("films-again", {
      when: () => again() !== undefined,
      message: () =>
        `The power went in the middle of the film. When the server was back, ${again()} was shown a second time: the film began again.`,
      evidence: () => [`shown  ${shown().join(", ")}`],
      wire: () => [
        ...server.wire.of("server"),
        ...server.wire.deliveries({ client: "office", streamSeq: day[0]?.seq ?? 0 }).slice(-1),
      ],
    });
    const from = day[0]?.at as Date;
    const end = new Date((day[5]?.at.getTime() ?? 0) + 1);
    const playing = await learner.start("playFilm", [server.connection("office"), "ams", from, end, show]);
    await until("the second event to be shown", () => show.calls.length >= 2 || playing.settled);
    await server.kill();
    await server.restart();
    back.open();
    await playing.result();
    await connectedAgain(server, "office", playing, until);
    if (inWords(shown()) !== inWords(wanted))
      fail(`The film should have shown ${inWords(wanted)}, each once. It showed ${inWords(shown())}.`);
  },
);
