// Lesson 08: what the learner found in his own lab, what his tracing program says of a message, and what the context is that he saved.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { AckPolicy, DeliverPolicy, nanos } from "nats";
import {
  type CheckServer,
  type EventOf,
  exercise,
  expect,
  Finding,
  labSeed,
  labServer,
  newLabSeed,
  randomFrom,
} from "../../checker/kit/index.ts";
import type { Complaint, Findings } from "./exercise.ts";
import { lab, type Plan, plan } from "./lab.ts";

const { check } = exercise<typeof import("./exercise.ts")>();

const lesson = "lesson-08";
/** Who never started a lab has none whose names he could know: then a program must find them. */
const fresh = newLabSeed();
const ownSeed = () => labSeed(lesson) ?? fresh;
const ownServer = () => labServer(lab, ownSeed());

/** Plays the learner's own scene on the check's server. */
async function playOwn(server: CheckServer): Promise<Plan> {
  await server.play(lab, ownSeed());
  return plan(randomFrom(ownSeed()));
}

const told = (value: unknown) => (value === undefined ? "nothing" : JSON.stringify(value));

/** The findings as the learner's function gives them, in his own scene. */
async function report(
  server: CheckServer,
  start: (complaint: Complaint) => Promise<{ result(): Promise<Findings> }>,
): Promise<{ found: Findings; scene: Plan }> {
  const scene = await playOwn(server);
  const program = await start(scene.complaint);
  return { scene, found: await program.result() };
}

type Key = keyof Plan["faults"];
const budgetMs = 25_000;

/** Where to look for what is missing, in the words of the complaint. */
const missing = (key: Key, where: string) =>
  `Your findings do not say yet what \`${key}\` is. ${where} The lab is still there: npm run lab ${lesson}`;

check(
  "the findings are about your own lab",
  {
    budgetMs,
    server: ownServer,
    beliefs: {
      "another-lab": {
        belief: "A carrier is a carrier; what was wrong for somebody else is wrong for me.",
        readme: "what-was-found-in-one-system-is-true-in-the-other",
        hint: "What is the name of the server in your findings, and what does `npm run nats -- server info`, or the first line of your lab, say?",
      },
    },
  },
  async ({ server, learner, believes, fail }) => {
    let found: Findings | undefined;
    const hub = `hub-${ownSeed()}`;
    const started = labSeed(lesson) !== undefined;
    let streams: string[] = [];
    const named = () =>
      [found?.stuck?.stream, found?.poison?.stream, found?.dropping, found?.lost?.stream].filter(
        (name) => name !== undefined,
      );
    const foreign = () => named().filter((name) => !streams.includes(name));
    believes("another-lab", {
      when: () =>
        found?.hub !== undefined &&
        (found.hub !== hub || (named().length > 0 && foreign().length === named().length)),
      message: () =>
        found?.hub !== hub
          ? `These findings are about ${told(found?.hub)}. ${started ? `Your lab is ${hub}.` : "You have not started a lab of your own yet: npm run lab lesson-08."} Each lab has other names and numbers: what is right there is wrong here, or right by chance.`
          : `These findings name ${foreign().join(", ")}. Your lab has no such streams: they were found in another one.`,
      evidence: () => [
        `hub in the findings      ${told(found?.hub)}`,
        `hub of your lab          ${started ? hub : "none was started"}`,
        `streams in the findings  ${named().join(", ") || "none"}`,
        ...(started ? [`streams of your lab      ${streams.join(", ")}`] : []),
      ],
    });
    const { found: result } = await report(server, (complaint) =>
      learner.start("findings", [server.connection("detective"), complaint]),
    );
    found = result;
    for await (const { config } of (await server.manager()).streams.list())
      streams = [...streams, config.name];
    expect(found.hub, "The hub in your findings").toBe(hub);
    if (foreign().length > 0)
      fail(
        `Your lab has no stream ${foreign().join(", and no stream ")}. \`stream report\` shows those that it has.`,
      );
  },
);

check(
  "the consumer that gives out nothing any more is found",
  {
    budgetMs,
    server: ownServer,
    beliefs: {
      "much-to-do-is-stuck": {
        belief: "The consumer with the most unprocessed messages is the one that is stuck.",
        readme: "the-longest-queue-is-the-stuck-one",
        hint: "Look at the two columns of `consumer report` side by side: what nobody has got yet, and what somebody has got and not acked. Which of the two has a limit?",
      },
    },
  },
  async ({ server, learner, fail, believes }) => {
    let found: Findings | undefined;
    let scene: Plan | undefined;
    let seen: string[] = [];
    believes("much-to-do-is-stuck", {
      wire: () => server.wire.by("detective", "api", "subscribe", "message"),
      when: () => found?.stuck?.consumer === scene?.behind && scene !== undefined,
      message: () =>
        `${found?.stuck?.consumer} has many messages before it, because nobody asks it for any: when somebody does, it gives them out. The stuck one would give nothing even then. It waits for acks.`,
      evidence: () => seen,
    });
    ({ found, scene } = await report(server, (complaint) =>
      learner.start("findings", [server.connection("detective"), complaint]),
    ));
    const jsm = await server.manager();
    for await (const info of jsm.consumers.list(scene.names.scans)) {
      seen = [
        ...seen,
        `${info.name.padEnd(18)} unprocessed ${info.num_pending}, ack pending ${info.num_ack_pending}`,
      ];
    }
    if (!found.stuck)
      return fail(missing("stuck", "A clerk says: since this morning I get no scans any more."));
    const { stream, consumer } = found.stuck;
    if (stream !== scene.faults.stuck.stream || consumer !== scene.faults.stuck.consumer) {
      const info = await jsm.consumers.info(stream, consumer).catch(() => undefined);
      fail(
        info
          ? `The consumer ${consumer} of ${stream} is not the stuck one: ${info.num_ack_pending} of at most ${info.config.max_ack_pending} messages are without an ack, so it still gives out messages.`
          : `The stream ${stream} has no consumer ${consumer}. \`consumer report\` shows those that it has.`,
      );
    }
  },
);

check(
  "the subject that no stream stores is found",
  {
    budgetMs,
    server: ownServer,
    beliefs: {
      "heard-is-stored": {
        belief: "What I can hear is stored: a subject is in a stream when its neighbours are.",
        readme: "what-i-can-hear-is-stored",
        hint: "`stream ls --subject` tells which stream has a subject. Which subjects do you hear, that it does not find?",
      },
    },
  },
  async ({ server, learner, fail, believes }) => {
    let found: Findings | undefined;
    let stream: string | undefined;
    let mapped = false;
    believes("heard-is-stored", {
      wire: () => server.wire.by("detective", "api", "subscribe", "message"),
      // A stream may have a subject in its list that never comes to it.
      when: () => stream !== undefined && !mapped,
      message: () =>
        `${found?.unstored} is stored, by the stream ${stream}. One subject that you can hear is in no stream.`,
      evidence: () => [`stream of ${found?.unstored}  ${stream}`],
    });
    const result = await report(server, (complaint) =>
      learner.start("findings", [server.connection("detective"), complaint]),
    );
    found = result.found;
    if (!found.unstored)
      return fail(
        missing("unstored", "The office says: some of what the depots report is in no list afterwards."),
      );
    const jsm = await server.manager();
    stream = await jsm.streams.find(found.unstored).catch(() => undefined);
    mapped = found.unstored === result.scene.complaint.sentTo;
    if (mapped)
      fail(
        `The server gives a message on ${found.unstored} another subject, before any stream or subscriber sees it: nobody hears anything on ${found.unstored}. Look for a subject that you can hear.`,
      );
    if (found.unstored !== result.scene.faults.unstored)
      fail(
        /[*>]/.test(found.unstored)
          ? `${found.unstored} is a pattern, which stands for many subjects. Write down the one subject that no stream has.`
          : `No stream stores ${found.unstored}, and nobody publishes on it either. Look for a subject that you can hear.`,
      );
  },
);

check(
  "the message that comes again and again is found",
  {
    budgetMs,
    server: ownServer,
    beliefs: {
      "consumer-counts-as-the-stream": {
        belief: "A message has one number, and each report shows it.",
        readme: "a-message-has-one-number",
        hint: "`consumer info` shows two sequences on one line. Which of the two does `stream get` want?",
      },
    },
  },
  async ({ server, learner, fail, believes }) => {
    let found: Findings | undefined;
    let scene: Plan | undefined;
    let payload = "";
    let floors = { consumer_seq: 0, stream_seq: 0 };
    believes("consumer-counts-as-the-stream", {
      wire: () => server.wire.by("detective", "api", "subscribe", "message"),
      when: () =>
        found?.poison !== undefined &&
        found.poison.stream === scene?.names.jobs &&
        found.poison.sequence === floors.consumer_seq + 1,
      message: () =>
        `Message ${found?.poison?.sequence} of ${found?.poison?.stream} is ${payload}: there is nothing wrong with it. The consumer counts its deliveries, from 1, and leaves out what its filter leaves out. That number is not the one of the stream.`,
      evidence: () => [
        `ack floor of ${scene?.printers}  consumer sequence ${floors.consumer_seq}, stream sequence ${floors.stream_seq}`,
        `your finding             ${found?.poison?.sequence}`,
      ],
    });
    const result = await report(server, (complaint) =>
      learner.start("findings", [server.connection("detective"), complaint]),
    );
    scene = result.scene;
    const jsm = await server.manager();
    floors = (await jsm.consumers.info(scene.names.jobs, scene.printers)).ack_floor;
    found = result.found;
    if (!found.poison)
      return fail(missing("poison", "A printer says: I fail at the same label again and again."));
    if (found.poison.stream === scene.names.jobs) {
      payload = await jsm.streams.getMessage(scene.names.jobs, { seq: found.poison.sequence }).then(
        (message) => message.string(),
        () => "not there",
      );
    }
    const { stream, sequence } = found.poison;
    if (stream !== scene.faults.poison.stream || sequence !== scene.faults.poison.sequence)
      fail(
        `Message ${sequence} of ${stream} is not the one. The one that is meant is given to its worker again and again, and the server tells of each time.`,
      );
  },
);

check(
  "the stream that drops its oldest messages is found",
  {
    budgetMs,
    server: ownServer,
    beliefs: {
      "first-sequence-above-one-is-loss": {
        belief: "When the first message is not number 1 any more, messages were lost.",
        readme: "when-message-1-is-gone-something-was-lost",
        hint: "There are two reasons for a first message to go: somebody is done with it, or there is no room. Where in `stream info` do you see which of them holds?",
      },
    },
  },
  async ({ server, learner, fail, believes }) => {
    let found: Findings | undefined;
    let scene: Plan | undefined;
    let seen: string[] = [];
    believes("first-sequence-above-one-is-loss", {
      wire: () => server.wire.by("detective", "api", "subscribe", "message"),
      when: () => found?.dropping !== undefined && found.dropping === scene?.names.labels,
      message: () =>
        `The first messages of ${found?.dropping} are gone because workers have acked them: it is a work queue. Nothing is lost there. Another stream drops messages that nobody has seen, because it is full.`,
      evidence: () => seen,
    });
    ({ found, scene } = await report(server, (complaint) =>
      learner.start("findings", [server.connection("detective"), complaint]),
    ));
    for await (const { config, state } of (await server.manager()).streams.list()) {
      if (state.first_seq < 2) continue;
      seen = [
        ...seen,
        `${config.name.padEnd(15)} ${config.retention}, first message ${state.first_seq}, ${state.messages} of at most ${config.max_msgs}`,
      ];
    }
    if (!found.dropping)
      return fail(missing("dropping", "Customs say: you sent us forms that we cannot find any more."));
    if (found.dropping !== scene.faults.dropping)
      fail(
        `${found.dropping} is not the stream that drops messages. The one that is meant is full, and its first messages are gone though nobody is done with them.`,
      );
  },
);

check(
  "the member that answers nothing is found",
  {
    budgetMs,
    needsServer: "2.11.0",
    server: ownServer,
    beliefs: {},
  },
  async ({ server, learner, fail }) => {
    const { found, scene } = await report(server, (complaint) =>
      learner.start("findings", [server.connection("detective"), complaint]),
    );
    if (!found.silent)
      return fail(
        missing("silent", "The shop says: one of three questions on `rates.quote` gets no answer."),
      );
    if (!scene.desks.includes(found.silent)) {
      fail(
        `${found.silent} is no member of the queue group \`desks\`: a trace of a question shows the names.`,
        {
          evidence: [`members  ${scene.desks.length}, with names that begin with desk-`],
        },
      );
    }
    if (found.silent !== scene.faults.silent)
      fail(
        `${found.silent} gets questions and answers them. Look for a member that gets questions and sends no answer.`,
      );
  },
);

check(
  "the lost parcel is found",
  {
    budgetMs,
    needsServer: "2.11.0",
    server: ownServer,
    beliefs: {
      "sent-is-where-it-is": {
        belief: "What was sent to a subject can be looked up under that subject.",
        readme: "a-message-stays-on-its-subject",
        hint: "Trace the subject of the complaint, and read the lines between the client and the stream.",
      },
    },
  },
  async ({ server, learner, fail, believes }) => {
    let found: Findings | undefined;
    let scene: Plan | undefined;
    believes("sent-is-where-it-is", {
      wire: () => server.wire.by("detective", "api", "subscribe", "message"),
      when: () => scene !== undefined && found?.lost?.subject === scene.complaint.sentTo,
      message: () =>
        `The message was published on ${scene?.complaint.sentTo}, and no message in any stream has this subject. On the way in the server gave it another one.`,
      evidence: () => [
        `published on  ${scene?.complaint.sentTo}`,
        `your finding  ${found?.lost?.subject}, in ${found?.lost?.stream}`,
      ],
    });
    ({ found, scene } = await report(server, (complaint) =>
      learner.start("findings", [server.connection("detective"), complaint]),
    ));
    if (!found.lost)
      return fail(missing("lost", `${scene.complaint.parcel} was sent on ${scene.complaint.sentTo}.`));
    expect(found.lost, "Where the lost parcel has come to").toEqual(scene.faults.lost);
  },
);

/** Names that nobody can know before. */
function word(): string {
  return randomFrom(newLabSeed()).between(100_000, 999_999).toString();
}

const isTraced = ({ headers }: EventOf<"publish">) => headers?.["Nats-Trace-Dest"] !== undefined;
/** These values the server takes for a yes. */
const isDryRun = ({ headers }: EventOf<"publish">) =>
  /^(1|true|on)$/i.test(headers?.["Nats-Trace-Only"] ?? "");

const withHeaders = ({ subject, headers }: EventOf<"publish">) =>
  `published on ${subject}, headers  ${Object.keys(headers ?? {}).join(", ") || "none"}`;

/** A route, with the states of consumers as any text. */
type AnyRoute = Partial<
  Omit<Awaited<ReturnType<typeof import("./exercise.ts").traceMessage>>, "consumers">
> & {
  readonly consumers?: Readonly<Record<string, string>>;
};

/**
 * Shows the parts of a route that differ, and only these.
 * @param settings of a consumer, by its name: nobody can look at it after the check
 */
function expectRoute(
  server: CheckServer,
  route: AnyRoute | undefined,
  expected: AnyRoute,
  settings: Readonly<Record<string, string>> = {},
): void {
  const said = (value: unknown) => (value === undefined ? "not there" : told(value));
  const different: string[] = [];
  for (const part of ["subject", "stream", "refused", "receivers"] as const)
    if (!isDeepStrictEqual(route?.[part], expected[part]))
      different.push(`${part}  ${said(expected[part])}`, `your route  ${said(route?.[part])}`);
  const consumers = new Set([
    ...Object.keys(expected.consumers ?? {}),
    ...Object.keys(route?.consumers ?? {}),
  ]);
  for (const name of consumers) {
    const [right, yours] = [expected.consumers?.[name], route?.consumers?.[name]];
    if (right !== yours)
      different.push(
        `consumer ${name}${settings[name] ? `, ${settings[name]}` : ""}  ${right ?? "none of that stream's"}, your route says ${yours ?? "nothing of it"}`,
      );
  }
  if (different.length === 0) return;
  const sent = server.seen((wire) => wire.publishes({ client: "tracer" }), undefined);
  if (sent && !sent.some(isTraced))
    throw new Finding({
      message:
        "Your program sent no message with the header `Nats-Trace-Dest`. Without it the server tells nothing about a message.",
      evidence: sent.slice(0, 3).map(withHeaders),
    });
  throw new Finding({
    message: "The route that your program tells is not the one that the message took.",
    evidence: different,
  });
}

check(
  "a trace tells which stream, subscribers and consumers a message reached",
  {
    needsServer: "2.11.0",
    server: () => {
      const secret = word();
      return { name: `hub-${secret}`, config: `mappings { "parcel.astray": "depot.${secret}.arrived" }` };
    },
    beliefs: {
      "traced-is-stored": {
        belief: "The trace says that the message is stored, so it is.",
        readme: "a-trace-that-says-stored-has-stored",
        hint: "There are two headers for a trace. What does the second one do to the message itself?",
      },
      "the-next-one-goes-there-too": {
        belief: "Where one message would go, the next one on that subject goes, too.",
        readme: "the-next-message-goes-where-the-trace-says",
        hint: "How many messages does your program send, and which of them has a trace?",
      },
      "report-waits-for-me": {
        belief: "The report of a trace waits until I ask for it.",
        readme: "the-report-waits-for-me",
        hint: "The report is a core NATS message like any other. Who must be there when it is sent?",
      },
      "subject-is-what-i-published": {
        belief: "A message is on the subject that it was published on.",
        readme: "a-message-stays-on-its-subject",
        hint: "Print the events of the trace. Which of them tells of another subject?",
      },
      "one-receiver": {
        belief: "A message goes to one place; the first one that the trace names.",
        readme: "a-message-goes-to-one-place",
        hint: "Print all events of the trace. How many of them are of the type `eg`?",
      },
      "stored-is-delivered": {
        belief: "What is in the stream has reached its consumers.",
        readme: "what-is-stored-has-reached-the-workers",
        hint: "A trace ends at the stream. What does each consumer itself say of its last delivered message?",
      },
      "a-filter-is-a-subject": {
        belief: "A filter lets the subject pass that it names, and no other.",
        readme: "a-filter-is-a-subject",
        hint: "The exercise gives you a function that compares a filter and a subject. What does it say of this consumer's filter?",
      },
      "one-filter-leaves-out": {
        belief: "When one filter of a consumer does not fit, the consumer leaves the message out.",
        readme: "one-filter-that-does-not-fit-leaves-a-message-out",
        hint: "Somebody sets up a consumer for the subjects A and B. Which messages does he want?",
      },
      "held-is-full": {
        belief: "A consumer gives out the next message only when the last one is acked.",
        readme: "one-message-without-an-ack-stops-a-consumer",
        hint: "`num_ack_pending` is a number, and there is another number that says how large it may become. Where does it stand?",
      },
    },
  },
  async ({ server, learner, until, believes }) => {
    const jsm = await server.manager();
    const secret = server.nats.settings.name?.slice(4) ?? "";
    const arrived = `depot.${secret}.arrived`;
    const stream = `DEPOT_${secret}`;
    await jsm.streams.add({ name: stream, subjects: ["depot.>"] });
    const consumer = (durable_name: string, more: object = {}) =>
      jsm.consumers.add(stream, {
        durable_name,
        ack_policy: AckPolicy.Explicit,
        ack_wait: nanos(3_600_000),
        ...more,
      });
    const names = {
      worker: `w${word()}`,
      holder: `h${word()}`,
      idle: `i${word()}`,
      full: `f${word()}`,
      holds: `t${word()}`,
      exact: `e${word()}`,
      pattern: `a${word()}`,
      second: `s${word()}`,
      other: `o${word()}`,
      others: `p${word()}`,
    };
    const pattern = "depot.*.arrived";
    const settings: Record<string, string> = {
      full: "1 of at most 1 without an ack",
      holds: "1 of at most 3 without an ack",
      exact: `filter ${arrived}`,
      pattern: `filter ${pattern}`,
      second: `filters depot.*.left, ${pattern}`,
    };
    await consumer(names.worker);
    await consumer(names.idle);
    await consumer(names.full, { max_ack_pending: 1 });
    await consumer(names.holds, { max_ack_pending: 3 });
    await consumer(names.exact, { filter_subject: arrived });
    await consumer(names.pattern, { filter_subject: pattern });
    await consumer(names.second, { filter_subjects: ["depot.*.left", pattern] });
    await consumer(names.other, { filter_subject: "depot.*.left" });
    await consumer(names.others, { filter_subjects: ["depot.*.left", "depot.*.closed"] });
    const js = await server.jetstream();
    await js.publish(arrived, "before");
    // Of each of these, somebody took one message and forgot it. One of them may give out two more.
    for (const name of [names.full, names.holds]) {
      const forgetful = await (await js.consumers.get(stream, name)).next({ expires: 5_000 });
      expect(forgetful?.string()).toBe("before");
    }
    const work = await (await server.connect("worker")).jetstream().consumers.get(stream, names.worker);
    await work.consume({ max_messages: 10, callback: (message) => message.ack() });
    await until("the worker to have done the first message", async () => {
      const { num_pending, num_ack_pending, num_waiting } = await jsm.consumers.info(stream, names.worker);
      return num_pending === 0 && num_ack_pending === 0 && num_waiting > 0;
    });
    // This one takes the next message, acks nothing, and is full with it.
    await consumer(names.holder, { max_ack_pending: 1, deliver_policy: DeliverPolicy.New });
    const hold = await (await server.connect("holder")).jetstream().consumers.get(stream, names.holder);
    await hold.consume({ max_messages: 1, callback: () => {} });
    await until(
      "the holder to ask for a message",
      async () => (await jsm.consumers.info(stream, names.holder)).num_waiting > 0,
    );
    const watchers = [`watcher-${word()}`, `watcher-${word()}`, `watcher-${word()}`].sort();
    let heard = 0;
    for (const name of watchers.toReversed()) {
      const watcher = await server.connect(name);
      watcher.subscribe("depot.>", { callback: () => void heard++ });
      await watcher.flush();
    }

    let route: Awaited<ReturnType<typeof import("./exercise.ts").traceMessage>> | undefined;
    let stored = 0;
    const traced = () => server.wire.publishes({ client: "tracer" }).filter(isTraced);
    const sent = () => traced()[0];
    const destination = () => sent()?.headers?.["Nats-Trace-Dest"];
    believes("report-waits-for-me", {
      wire: () => server.wire.by("tracer", "subscribe", "publish", "message", "reply"),
      when: () => {
        const message = sent();
        if (!message) return false;
        const listening = server.wire.of("subscribe", { client: "tracer" });
        const covers = ({ subject }: { subject: string }) =>
          subject === destination() ||
          (subject.endsWith(".*") && destination()?.startsWith(subject.slice(0, -1)));
        const first = listening.find(covers);
        return first !== undefined && first.index > message.index;
      },
      message: () =>
        `The message went out with the wish to be reported to ${destination()}. The subscription to that subject came after it. The report is sent once, to whoever listens then.`,
      evidence: () => [
        `first  publish ${sent()?.subject}, Nats-Trace-Dest ${destination()}`,
        `then   subscribe ${destination()}`,
      ],
    });
    believes("traced-is-stored", {
      wire: () => server.wire.by("tracer", "subscribe", "publish", "message", "reply"),
      when: () => route !== undefined && route.stream === stream && stored === 1,
      message: () =>
        `Your program says that ${stream} has stored the message. The stream has the same ${stored} message as before, and the subscribers heard nothing: with the header Nats-Trace-Only the server only tells what would happen.`,
      evidence: () => [
        `headers             ${Object.entries(sent()?.headers ?? {})
          .map(([name, value]) => `${name}: ${value}`)
          .join(", ")}`,
        `messages in stream  ${stored}`,
      ],
    });
    believes("the-next-one-goes-there-too", {
      wire: () => server.wire.by("tracer", "subscribe", "publish", "message", "reply"),
      when: () => route !== undefined && stored > 1 && traced().length > 0 && traced().every(isDryRun),
      message: () =>
        "Your program sent two messages. One has a trace and the header Nats-Trace-Only: the server told where it would go, and dropped it. The other one has no trace. It need not go the same way: of a queue group another member may get it, and a stream can be full by then.",
      evidence: () =>
        server.wire
          .publishes({ client: "tracer" })
          .filter(({ text }) => text === "P-1")
          .map(withHeaders),
    });
    believes("subject-is-what-i-published", {
      wire: () => server.wire.by("tracer", "subscribe", "publish", "message", "reply"),
      // A program to which nothing was told has only what it published.
      when: () =>
        route?.subject === "parcel.astray" && (route.stream !== undefined || route.receivers.length > 0),
      message: () =>
        `Your program says that the message is on parcel.astray. The server has mapped that subject to another one, and tells it in the trace: no consumer of ${stream} will ever see parcel.astray.`,
      evidence: () => ["published on   parcel.astray", `in the stream  ${arrived}`],
    });
    believes("one-receiver", {
      wire: () => server.wire.by("tracer", "subscribe", "publish", "message", "reply"),
      when: () =>
        route !== undefined && route.receivers.length === 1 && watchers.includes(route.receivers[0] ?? ""),
      message: () =>
        "Three subscribers got the message, and your program names one of them. Each of them has an event in the trace.",
      evidence: () => [`subscribers  ${watchers.join(", ")}`, `your route   ${route?.receivers.join(", ")}`],
    });
    believes("stored-is-delivered", {
      wire: () => server.wire.by("tracer", "subscribe", "publish", "message", "reply"),
      when: () => {
        const states = Object.values(route?.consumers ?? {});
        return states.length === Object.keys(names).length && states.every((state) => state === "delivered");
      },
      message: () =>
        `Your program says that all ${Object.keys(names).length} consumers have delivered the message. Two have: somebody asks them for messages. The message lies in the stream, and for the others nothing has happened yet.`,
      evidence: () =>
        Object.entries(names).map(
          ([kind, name]) => `${name}  ${expected[kind]}, your route says ${route?.consumers[name]}`,
        ),
    });
    const stateOf = (kind: keyof typeof names) => route?.consumers[names[kind]];
    const stated = (...kinds: (keyof typeof names)[]) =>
      kinds.map(
        (kind) => `${names[kind]}, ${settings[kind]}  ${expected[kind]}, your route says ${stateOf(kind)}`,
      );
    believes("a-filter-is-a-subject", {
      wire: () => server.wire.by("tracer", "subscribe", "publish", "message", "reply"),
      when: () => stateOf("exact") === "waiting" && stateOf("pattern") === "filtered",
      message: () =>
        `Your program says that ${names.pattern} leaves out ${arrived}. Its filter is ${pattern}. The star stands for any token, so that the filter lets the message pass.`,
      evidence: () => stated("exact", "pattern"),
    });
    believes("one-filter-leaves-out", {
      wire: () => server.wire.by("tracer", "subscribe", "publish", "message", "reply"),
      when: () => stateOf("pattern") === "waiting" && stateOf("second") === "filtered",
      message: () =>
        `Your program says that ${names.second} leaves out ${arrived}. It has two filters. The first one does not let the message pass, the second one does, and that is enough.`,
      evidence: () => stated("pattern", "second"),
    });
    believes("held-is-full", {
      wire: () => server.wire.by("tracer", "subscribe", "publish", "message", "reply"),
      when: () => stateOf("idle") === "waiting" && stateOf("full") === "full" && stateOf("holds") === "full",
      message: () =>
        `Your program says that ${names.holds} is full. It has given out one message that is not acked, and it may give out three. It would give out the next message to whoever asks.`,
      evidence: () => stated("full", "holds"),
    });
    const expected: Record<string, string> = {
      worker: "delivered",
      holder: "delivered",
      idle: "waiting",
      full: "full",
      holds: "waiting",
      exact: "waiting",
      pattern: "waiting",
      second: "waiting",
      other: "filtered",
      others: "filtered",
    };

    const program = await learner.start(
      "traceMessage",
      [server.connection("tracer"), "parcel.astray", "P-1"],
      {
        name: "traceMessage",
      },
    );
    const result = await program.result();
    stored = (await jsm.streams.info(stream)).state.messages;
    route = result as NonNullable<typeof route>;
    const byName = (of: Record<string, string>) =>
      Object.fromEntries(Object.entries(names).map(([kind, name]) => [name, of[kind] ?? ""]));
    expectRoute(
      server,
      route,
      { subject: arrived, stream, receivers: watchers, consumers: byName(expected) },
      byName(settings),
    );
    expect(stored, "Messages in the stream, with the one from before").toBe(2);
    await until("the subscribers to hear the message", () => heard === watchers.length);
    expect(
      traced().find((message) => !isDryRun(message))?.text,
      "The payload of the message that was traced",
    ).toBe("P-1");
  },
);

check(
  "a stream that refuses a message is told in the server's words",
  {
    needsServer: "2.11.0",
    beliefs: {
      "an-event-of-a-stream-is-storage": {
        belief: "When the trace names a stream, that stream has stored the message.",
        readme: "a-stream-in-the-trace-has-stored",
        hint: "Look at all fields of the event of the type `js`.",
      },
    },
  },
  async ({ server, learner, believes }) => {
    const jsm = await server.manager();
    const stream = `LOCKERS_${word()}`;
    await jsm.streams.add({ name: stream, subjects: ["locker.>"], max_msgs: 1, discard: "new" as never });
    await (await server.jetstream()).publish("locker.1", "P-1");
    let route: Awaited<ReturnType<typeof import("./exercise.ts").traceMessage>> | undefined;
    believes("an-event-of-a-stream-is-storage", {
      wire: () => server.wire.by("tracer", "subscribe", "publish", "message", "reply"),
      when: () =>
        route?.stream === stream &&
        !server.wire.publishes({ client: "tracer" }).some(({ headers }) => headers?.["Nats-Trace-Only"]),
      message: () =>
        `Your program says that ${stream} has stored the message. It is full and has refused it. The event of the trace says both: the stream's name, and the error.`,
      evidence: () => [`messages in ${stream}  1 of at most 1`, `your route  ${told(route)}`],
    });
    const program = await learner.start("traceMessage", [server.connection("tracer"), "locker.2", "P-2"], {
      name: "traceMessage",
    });
    route = (await program.result()) as NonNullable<typeof route>;
    expectRoute(server, route, {
      subject: "locker.2",
      refused: "maximum messages exceeded",
      receivers: [],
      consumers: {},
    });
  },
);

check(
  "a message that nobody wants has an empty route",
  { needsServer: "2.11.0", beliefs: {} },
  async ({ server, learner }) => {
    const subject = `parcel.${word()}`;
    const program = await learner.start("traceMessage", [server.connection("tracer"), subject, "P-1"], {
      name: "traceMessage",
    });
    expectRoute(server, await program.result(), { subject, receivers: [], consumers: {} });
  },
);

check(
  "the saved context works without any flags",
  {
    needsCli: true,
    // A list of arguments is not a line: who makes it by splitting one comes to grief at the spaces.
    server: () => ({ user: { user: `carrier-${word()}`, pass: `${word()} and a gate's ${word()}` } }),
    beliefs: {
      "saved-is-selected": {
        belief: "The context that I saved last is the one that is used.",
        readme: "the-last-context-is-the-one-in-use",
        hint: "`nats context ls` marks one context. Which flag of `context save` makes it that one?",
      },
      "saved-is-right": {
        belief: "The context was saved without an error, so user and password are right.",
        readme: "a-context-that-is-saved-works",
        hint: "`context save` writes a file, and the file is fine. Which command looks whether the server lets you in?",
      },
    },
  },
  async ({ server, learner, cli, fail, believes }) => {
    const name = `s${word()}`;
    const { user, pass } = server.nats.user;
    const url = server.nats.url;
    let saved: { user?: string; password?: string; url?: string } | undefined;
    let selected: string | undefined;
    let refused = false;
    let command = "";
    believes("saved-is-selected", {
      when: () => saved !== undefined && selected !== name,
      message: () =>
        `The context ${name} is saved, and ${selected ? `${selected} is selected` : "none is selected"}. A command without \`--context\` does not use it.`,
      evidence: () => [command, `selected  ${selected ?? "none"}`],
    });
    believes("saved-is-right", {
      when: () => refused,
      message: () =>
        `\`context save\` ended with exit status 0, and the server does not let anybody in with this context. Saving does not look at the answer of the server.`,
      evidence: () => [
        command,
        `user in the context  ${told(saved?.user)}`,
        "the server says      Authorization Violation",
      ],
    });
    const program = await learner.start("saveContext", [name, url, user, pass], { name: "saveContext" });
    const args = (await program.result()) as string[];
    if (!Array.isArray(args) || args.some((arg) => typeof arg !== "string")) {
      fail(`\`saveContext\` is to return a list of texts; it returned ${told(args)}.`);
    }
    command = `nats ${args.map((arg) => arg.replaceAll(pass, "***")).join(" ")}`;
    if (args[0] === "nats") fail("The arguments are wanted without `nats` itself.", { evidence: [command] });
    const done = await cli.run(args);
    if (done.status !== 0) {
      if (args.join(" ").includes(pass) && !args.some((arg) => arg.includes(pass)))
        fail(
          "The password has spaces in it, and your list has its parts as several arguments. Each argument is one text of the list, as it is.",
          { evidence: args.map((arg) => told(arg)) },
        );
      fail(`The nats CLI did not take these arguments: it ended with exit status ${done.status}.`, {
        evidence: [command, ...done.output.split("\n").slice(0, 3)],
      });
    }
    const file = join(cli.folder, "nats", "context", `${name}.json`);
    if (!existsSync(file)) fail(`No context with the name ${name} was saved.`, { evidence: [command] });
    const context = JSON.parse(readFileSync(file, "utf8")) as NonNullable<typeof saved>;
    const marker = join(cli.folder, "nats", "context.txt");
    selected = existsSync(marker) ? readFileSync(marker, "utf8").trim() || undefined : undefined;
    saved = context;
    expect(selected, "The selected context").toBe(name);
    const published = await cli.run(["pub", "parcel.lyon", "P-1"]);
    refused = /authorization violation/i.test(published.output);
    expect(refused, "The server refuses the context").toBe(false);
    expect(published.status, `The exit status of nats pub, which said: ${published.output.trim()}`).toBe(0);
  },
);
