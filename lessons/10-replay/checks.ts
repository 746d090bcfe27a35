// Lesson 10: what is counted from the events of a depot, where a replay ends, what it survives, and how long a film takes.
import {
  type CheckServer,
  exercise,
  type Fail,
  hook,
  type LearnerProgram,
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

/** The depots of a check, which store their events one after the other. */
async function depots(server: CheckServer) {
  const manager = await server.manager();
  const js = await server.jetstream();
  await manager.streams.add(stream);
  let no = 0;
  const event = (scannedAt = new Date().toISOString()): ParcelEvent => ({ parcel: `P-${++no}`, scannedAt });
  return {
    manager,
    /** Stores an event of each subject, `ams in` for parcel.ams.in. */
    async store(...subjects: string[]): Promise<void> {
      for (const subject of subjects)
        await js.publish(`parcel.${subject.replace(" ", ".")}`, JSON.stringify(event()));
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
    /** Stores an event in a millisecond of its own, some microseconds away from the next one: clocks with rounded times agree on it. */
    async storeAlone(scannedAt?: string): Promise<Stored> {
      for (;;) {
        const last = Date.now();
        while (Date.now() < last + 3) await new Promise((resolve) => setTimeout(resolve, 1));
        const made = event(scannedAt);
        const { seq } = await js.publish("parcel.ams.in", JSON.stringify(made));
        const { timestamp } = await manager.streams.getMessage("PARCELS", { seq });
        const nanos = Number(/\.(\d+)/.exec(timestamp)?.[1]?.padEnd(9, "0") ?? 0);
        const rest = nanos % 1_000_000;
        if (rest > 1_000 && rest < 999_000)
          return { parcel: made.parcel, seq, at: new Date(Math.floor(Date.parse(timestamp))) };
        await manager.streams.deleteMessage("PARCELS", seq);
      }
    },
  };
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
    `There are ${parcels} parcels in the depot, and its last event has sequence ${last}. \`countStock\` should have returned that; it returned ${inWords(value)}.`,
  );
}

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

/** A setting of the consumers that a client asked for, as lines of evidence. */
const settings = (server: CheckServer, client: string, setting: string) =>
  server.wire
    .of("api", { client })
    .filter(({ call }) => /^CONSUMER\.(DURABLE\.)?CREATE/.test(call))
    .slice(-1)
    .map(
      ({ text }) =>
        `${setting.padEnd(12)}${new RegExp(`"${setting}":"?([^",}]*)`).exec(text ?? "")?.[1] ?? "not set"}`,
    );

const firstAndLast = <T>(list: readonly T[]) => [...list.slice(0, 1), ...list.slice(1).slice(-1)];

check(
  "a count goes on where the last one ended",
  {
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
    const { manager, store } = await depots(server);
    await store("ams in", "rtm in", "ams in", "ams out", "rtm in", "rtm out", "ams in");
    let durable: string | undefined;
    let later: Stock | undefined;
    believes("a-durable-is-for-replays", {
      when: () => durable !== undefined,
      message: () =>
        `The count is over, and the durable consumer \`${durable}\` is still in the server. It remembers how far this count came, so the next one that begins at the beginning finds nothing to read there. A replay keeps its own place.`,
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

    const counting = await learner.start("countStock", [server.connection("office"), "ams"]);
    const known = await counting.result();
    durable = (await manager.consumers.list("PARCELS").next()).find(
      ({ config }) => config.durable_name,
    )?.name;
    rightStock(known, 2, 7, 8, fail);

    await store("ams in", "rtm in", "ams in", "ams out", "rtm in", "ams in");
    later = await counting.again<Stock>("countStock", [server.connection("office later"), "ams", known]);
    rightStock(later, 4, 13, 14, fail);
    // Whoever has no earlier count gets the same.
    const fresh = await learner.start("countStock", [server.connection("other office"), "ams"]);
    rightStock(await fresh.result(), 4, 13, 14, fail);
  },
);

check(
  "a count ends with the last event of the depot",
  {
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
    let client = "office";
    let done = false;
    const waits = lasting(
      3_000,
      () => counting !== undefined && !counting.exit && !done && asksNoMore(server, client),
    );
    const read = () => server.wire.deliveries({ client });
    believes("the-end-is-the-last-sequence", {
      when: () => read().some(({ streamSeq }) => streamSeq === 3) && waits(),
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
    counting = await learner.start("countStock", [server.connection(client), "ams"]);
    const known = await counting.result();
    rightStock(known, 1, 3, 7, fail);
    client = "office lux";
    rightStock(await counting.again<Stock>("countStock", [server.connection(client), "lux"]), 0, 0, 7, fail);
    client = "office later";
    const same = await counting.again<Stock>("countStock", [server.connection(client), "ams", known]);
    done = true;
    rightStock(same, 1, 3, 7, fail);
  },
);

check(
  "a count waits for a server that is slow",
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
  async ({ server, learner, until, lasting, believes, fail }) => {
    const { storeMany } = await depots(server);
    await storeMany(200);
    const held = server.relay.hold((event) => event.kind === "delivery" && event.streamSeq > 20, {
      who: "office",
      what: "all after the first 20 events",
    });
    const counting = await learner.start("countStock", [server.connection("office"), "ams"]);
    const read = () =>
      server.wire.deliveries(({ client, kept }) => client === "office" && kept === undefined);
    believes("quiet-is-the-end", {
      when: () => counting.settled && !counting.error && (counting.value?.parcels ?? 200) < 200,
      message: () =>
        `There are 200 parcels in the depot. After some of its events the line was slow, nothing came for a while, and \`countStock\` returned ${counting.value?.parcels}. Nobody can see from the number that it is wrong.`,
      evidence: () => [`the last one that was read says  ${read().at(-1)?.pending ?? "?"} are still to come`],
      wire: () => read().slice(-1),
    });
    await until("the first events to be read", () => held.events.length > 0 || counting.settled);
    const longEnough = lasting(4_000, () => true);
    await until("a while to pass", () => longEnough() || counting.settled);
    held.release();
    rightStock(await counting.result(), 200, 200, 201, fail);
  },
);

check(
  "a count survives a broken line, and a power cut",
  {
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
        ...firstAndLast(lost),
        ...read()
          .filter(({ index }) => index > (lost.at(-1)?.index ?? 0))
          .slice(0, 1),
      ],
    });
    believes("starts-over", {
      when: () => {
        const { parcels = 400, sequence = 400 } = counted() ?? {};
        return parcels > sequence;
      },
      message: () =>
        `${broke} in the middle of the count. Then the program read events once more, and counted them on top of the others: \`countStock\` returned ${counted()?.parcels} parcels up to sequence ${counted()?.sequence}. All of these events came in, so the two numbers should be the same.`,
      wire: () => {
        const twice = read().find(({ streamSeq, index }) =>
          read().some((other) => other.streamSeq === streamSeq && other.index > index),
        );
        return read().filter(({ streamSeq }) => streamSeq === twice?.streamSeq);
      },
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
    budgetMs: 15_000,
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
    await storeMany(1_300);
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
        server.wire
          .of("api", { client: "office" })
          .some(({ text }) => text?.includes('"ack_policy":"explicit"')),
      message: () =>
        `The depot has 1300 events. After ${read()} of them nothing comes any more. The program asked for a consumer with explicit acks and acks nothing: at 1000 open messages the server waits for the first ack.`,
      evidence: () => settings(server, "office", "ack_policy"),
      wire: () => server.wire.deliveries({ client: "office" }).slice(-1),
    });
    rightStock(await counting.result(), 1_300, 1_300, 1_301, fail);
  },
);

check(
  "a history with a hole is an error, not a number",
  {
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
        `Events 1 to 5 are no longer in the stream, and this count needed ${client === "office" ? "all of them" : "two of them"}. The server did not mind, and began with number 6. \`countStock\` returned ${answer()} as if nothing were missing.`,
      evidence: () => ["first sequence of the stream  6", ...settings(server, client, "opt_start_seq")],
      wire: () => server.wire.deliveries({ client }).slice(0, 1),
    });
    let asking = false;
    const waits = lasting(3_000, () => asking && outcome === undefined && asksNoMore(server, client));
    believes("sequences-never-start-again", {
      when: () => client === "office later" && (took() || waits()),
      message: () =>
        `Up to sequence 8 all was counted, and now the stream's last sequence is 2: it was deleted and made anew, with two other events. \`countStock\` ${took() ? `returned ${answer()}` : "waits"} as if it were the old one. What it knows is about a stream that is no more.`,
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
      { parcels: 3, sequence: 3 },
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
    const { storeMany, storeAlone, store } = await depots(server);
    await storeMany(60);
    await storeAlone();
    const first = await storeAlone();
    // A scanner whose clock is a day slow.
    const slow = await storeAlone(new Date(Date.now() - 24 * hourMs).toISOString());
    await store("rtm in");
    const third = await storeAlone();
    const edge = await storeAlone();
    const after = await storeAlone();

    let client = "office";
    let found: readonly string[] | undefined;
    const deliveries = () => server.wire.deliveries({ client });
    const old = () => deliveries().filter(({ streamSeq }) => streamSeq < first.seq);
    believes("reads-all-and-looks", {
      when: () => old().length > 5,
      message: () =>
        `The program was asked for events from sequence ${first.seq} on, and reads the stream from its beginning. Here that is a moment. In a stream of many years, it is everything that ever happened, for every question.`,
      evidence: () => settings(server, client, "deliver_policy"),
      wire: () => firstAndLast(old()),
    });
    believes("the-scanner-knows-the-time", {
      when: () =>
        found !== undefined &&
        !found.includes(slow.parcel) &&
        deliveries().some(({ streamSeq }) => streamSeq === slow.seq),
      message: () =>
        `${slow.parcel} was stored between the two times, and is missing. Its scanner's clock is a day slow, so \`scannedAt\` says another day. The server gives each message the time at which it was stored, by one clock.`,
      evidence: () => [`${slow.parcel} was stored at  ${slow.at.toISOString()}`],
      wire: () =>
        deliveries()
          .filter(({ streamSeq }) => streamSeq === slow.seq)
          .slice(-1),
    });
    believes("until-is-included", {
      when: () => found?.includes(edge.parcel) === true && !found.includes(after.parcel),
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
    let asking = false;
    const waits = lasting(3_000, () => asking && asksNoMore(server, client));
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
    right("The events between the two times", [first.parcel, slow.parcel, third.parcel]);
    const ask = async (name: string, from: Date, until: Date) => {
      client = name;
      found = undefined;
      asking = true;
      const events = await looking.again<ParcelEvent[]>("eventsBetween", [
        server.connection(name),
        "ams",
        from,
        until,
      ]);
      asking = false;
      return parcels(events);
    };
    const tomorrow = new Date(Date.now() + 24 * hourMs);
    found = await ask("office later", edge.at, tomorrow);
    right("The events from then on", [edge.parcel, after.parcel]);
    found = await ask("office tomorrow", tomorrow, new Date(tomorrow.getTime() + hourMs));
    right("The events of tomorrow", []);
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
    const { storeAlone } = await depots(server);
    const day = [await storeAlone()];
    while (day.length < 5) {
      const next = (day.at(-1)?.at.getTime() ?? 0) + 400;
      await until("the time of the next event", () => Date.now() >= next);
      day.push(await storeAlone());
    }
    // The fifth is not in the film.
    const [first, , , last, later] = day as [Stored, Stored, Stored, Stored, Stored];
    const tookMs = last.at.getTime() - first.at.getTime();
    const wanted = day.slice(0, 4).map(({ parcel }) => parcel);
    const from = new Date(first.at.getTime() - hourMs);
    const end = new Date(last.at.getTime() + 1);

    let client = "";
    let playing: LearnerProgram<void> | undefined;
    let show = hook(async (_: ParcelEvent) => {});
    const spans: number[] = [];
    const shown = () => show.received.map((event) => event?.parcel);
    // At its own speed, this one would come after hours: so it does not come.
    const atSpeed = () =>
      server.wire
        .of("api", { client })
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
      when: () => waits() && atSpeed().length > 0,
      message:
        "The last event of the film was shown, and `playFilm` waits for the next event of the depot. At original speed that one comes when its time has passed: of a depot that was closed for a week, after a week.",
      evidence: () => settings(server, client, "replay_policy"),
      wire: () => [
        ...server.wire.deliveries({ client, streamSeq: last.seq }).slice(-1),
        ...held.events.slice(0, 1),
      ],
    });
    believes("a-replay-takes-its-time", {
      when: () => spans.length === 2 && spans.every((span) => span < 0.4 * tookMs),
      message: () =>
        `Between the first and the last event of the film passed ${tookMs} ms when they were stored, and ${Math.round(Math.min(...spans))} ms when they were shown. A consumer delivers what is there as fast as it can.`,
      evidence: () => settings(server, client, "replay_policy"),
      wire: () => firstAndLast(server.wire.deliveries({ client })),
    });
    // On a busy machine the first event may be shown late, and the last one in time: then once more.
    for (client of ["office", "office later"]) {
      show = hook();
      playing = await learner.start("playFilm", [server.connection(client), "ams", from, end, show], {
        name: "playFilm",
      });
      await playing.result();
      if (inWords(shown()) !== inWords(wanted))
        fail(`The film should have shown ${inWords(wanted)}, each once. It showed ${inWords(shown())}.`);
      spans.push((show.calls[3]?.at ?? 0) - (show.calls[0]?.at ?? 0));
      if (spans.some((span) => span >= 0.4 * tookMs)) return;
    }
    await until("the film to take its time", () => false);
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
      const next = (day.at(-1)?.at.getTime() ?? 0) + 250;
      await until("the time of the next event", () => Date.now() >= next);
      day.push(await storeAlone());
    }
    const wanted = day.map(({ parcel }) => parcel);
    const show = hook(async (_: ParcelEvent) => {});
    const shown = () => show.received.map((event) => event?.parcel);
    believes("films-again", {
      when: () => new Set(shown()).size < shown().length,
      message: () =>
        `The power went in the middle of the film. When the server was back, the film began again, and ${shown().find((parcel, i) => shown().indexOf(parcel) < i)} was shown a second time.`,
      evidence: () => [`shown  ${shown().join(", ")}`],
      wire: () => [
        ...server.wire.of("server"),
        ...server.wire.deliveries({ client: "office", streamSeq: day[0]?.seq ?? 0 }).slice(-1),
      ],
    });
    const from = day[0]?.at as Date;
    const end = new Date((day[5]?.at.getTime() ?? 0) + 1);
    const playing = await learner.start("playFilm", [server.connection("office"), "ams", from, end, show]);
    await until("two events to be shown", () => show.calls.length >= 2 || playing.settled);
    await server.kill();
    await server.restart();
    await playing.result();
    await connectedAgain(server, "office", playing, until);
    if (inWords(shown()) !== inWords(wanted))
      fail(`The film should have shown ${inWords(wanted)}, each once. It showed ${inWords(shown())}.`);
  },
);
