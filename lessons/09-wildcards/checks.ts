// Lesson 09: a matrix of names, events and wishes: on which subjects reports go out, and which of them a screen is sent and shows.
import {
  type CheckServer,
  type EventOf,
  exercise,
  expect,
  type Fail,
  hook,
  type LearnerProgram,
  subjectMatches,
  type Waiting,
  wireLine,
} from "../../checker/kit/index.ts";
import type { Report, Wish } from "./exercise.ts";

const { check } = exercise<typeof import("./exercise.ts")>();

/** A screen gives back a function that stops it. */
const screen = { name: "watch", givesFunction: true };

/** Names of depots as people write them, with the token that the exercise asks for. */
const tokens: Readonly<Record<string, string>> = {
  ams: "ams",
  AMS: "AMS",
  "depot-7_b": "depot-7_b",
  "Bad Homburg": "Bad%20Homburg",
  "hall 1": "hall%201",
  "St. Gallen": "St%2E%20Gallen",
  "hall.1": "hall%2E1",
  "...": "%2E%2E%2E",
  "*": "%2A",
  ">": "%3E",
  "hall*1": "hall%2A1",
  Århus: "%C3%85rhus",
  上海: "%E4%B8%8A%E6%B5%B7",
  "50%": "50%25",
  "%41": "%2541",
  "it's (~new/old)!": "it%27s%20%28%7Enew%2Fold%29%21",
  "two\nlines": "two%0Alines",
  " ": "%20",
  " ams ": "%20ams%20",
  "1+1": "1%2B1",
  "A\u030Arhus": "A%CC%8Arhus",
  "🚚": "%F0%9F%9A%9A",
  "St Anton am Arlberg": "St%20Anton%20am%20Arlberg",
};

/** What is no event. */
const noEvents = [
  "fault..belt",
  "",
  ".fault",
  "fault.",
  "fault.*",
  ">",
  "fault belt",
  "Fault",
  "fault_1",
  "fäult",
  "fault/belt",
  "fault\n",
];

const subjectOf = ({ depot, event }: Report) => `parcel.${tokens[depot] ?? depot}.${event}`;
const lineOf = ({ depot, event, text }: Report) => `${depot} · ${event} · ${text}`;
const linesOf = (list: readonly Report[]) => list.map(lineOf).toSorted();
const quoted = (text: string | undefined) => JSON.stringify(text ?? "");

/** Reports of these depots about these events, each with a text of its own. */
function reports(depots: readonly string[], events: readonly string[]): Report[] {
  return depots.flatMap((depot) => events.map((event) => ({ depot, event, text: `${event} in ${depot}` })));
}

/** Publishes reports as the exercise describes them, and resolves when the server has worked them off. */
async function publish(server: CheckServer, list: readonly Report[]): Promise<void> {
  const nc = await server.client();
  for (const report of list) nc.publish(subjectOf(report), report.text);
  await nc.flush();
}

/** The subscriptions of a screen, without those of the client itself. */
function subscriptions({ wire }: CheckServer, client = "screen"): EventOf<"subscribe">[] {
  return wire.of("subscribe", (event) => event.client === client && !event.subject.startsWith("_INBOX."));
}

/** A subject that no server takes a subscription for: a token is empty, or `>` is not the last one. */
const impossible = ({ subject }: { subject: string }) =>
  subject.split(".").some((token, at, all) => token === "" || (token === ">" && at < all.length - 1));

/** Whether the server sends a report to a subscription. */
const gets = ({ subject }: { subject: string }, report: Report) =>
  !impossible({ subject }) && subjectMatches(subject, subjectOf(report));

const fits = ({ depot, event }: Report, wish: Wish) =>
  (wish.depot === undefined || wish.depot === depot) &&
  (wish.event === undefined || wish.event === event || event.startsWith(`${wish.event}.`));

/** What a client sends is on the way from its first such event on, and does not arrive until it is released. */
function holdFrom({ relay }: CheckServer, who: string, first: "publish" | "unsubscribe") {
  let begun = false;
  return relay.hold(
    (event) => {
      begun ||= event.kind === first;
      return begun && event.direction === "toServer";
    },
    { who, what: `what the ${who} sends` },
  );
}

/** A wish, as a person would say it. */
const wishText = ({ depot, event }: Wish) =>
  `${event === undefined ? "everything" : `\`${event}\` and below`}, ${depot === undefined ? "every depot" : `depot ${quoted(depot)}`}`;

/** Resolves when the server has sent a screen all that its subscriptions ask for, and the screen has had its turn. */
async function delivered(
  server: CheckServer,
  { until, lasting }: Waiting,
  program: LearnerProgram<unknown>,
  client: string,
  list: readonly Report[],
): Promise<void> {
  const asked = subscriptions(server, client);
  const copies = list.flatMap((report) => asked.filter((each) => gets(each, report))).length;
  const came = () => server.wire.messages({ client }).length;
  const quiet = lasting(1_000, () => true);
  await until("the reports to be sent to the screen", () => came() >= copies || quiet());
  await program.answers(2);
}

/** What one depot sent, and what of it arrived, told apart by the texts. */
async function collect(
  server: CheckServer,
  { until, lasting }: Waiting,
  sending: (sent: Report[]) => Promise<{ report: Report; error: string } | undefined>,
) {
  const heard: { subject: string; reply: string | undefined; text: string }[] = [];
  const nc = await server.client();
  nc.subscribe(">", {
    callback: (_, message) => {
      const { subject, reply } = message;
      heard.push({ subject, reply: reply || undefined, text: message.string() });
    },
  });
  await nc.flush();
  const sent: Report[] = [];
  const refused = await sending(sent);
  // What has not arrived when nothing more comes went to nobody.
  let known = -1;
  const quiet = lasting(1_000, () => {
    const same = heard.length === known;
    known = heard.length;
    return same;
  });
  await until("the reports to arrive", () => heard.length >= sent.length || quiet());
  const arrivals = (report: Report) => heard.filter(({ text }) => text === report.text);
  return {
    heard,
    sent,
    /** The first report that `send` threw an error about; after it none was sent. */
    refused,
    arrivals,
    subjects: (report: Report) => arrivals(report).map(({ subject }) => subject),
    wrong: (report: Report) =>
      arrivals(report).length !== 1 ||
      arrivals(report).some(({ subject, reply }) => subject !== subjectOf(report) || reply !== undefined),
    published: (report: Report) =>
      server.wire.publishes(({ client, text }) => client === "depot" && text === report.text),
  };
}

/** Sends what is left of a list, up to the first error. */
async function sendAll(
  program: LearnerProgram<unknown>,
  server: CheckServer,
  list: readonly Report[],
  sent: Report[],
): Promise<{ report: Report; error: string } | undefined> {
  for (const report of list) {
    const outcome = await program.attempt("send", [server.connection("depot"), report]);
    if ("error" in outcome) return { report, error: outcome.error.message };
    sent.push(report);
  }
  return undefined;
}

/** Fails when a report did not come as it should, or `send` threw an error about it. */
function expectAll(
  { heard, sent, refused, arrivals, wrong, published }: Awaited<ReturnType<typeof collect>>,
  list: readonly Report[],
  fail: Fail,
): void {
  if (refused)
    fail(
      `\`send\` was given a report of depot ${quoted(refused.report.depot)} about \`${refused.report.event}\`, and threw an error: ${refused.error}. Any text that is not empty may be the name of a depot. An event is words with dots between them: letters a to z, digits and "-".`,
      { readme: "a-name-is-not-a-token" },
    );
  const bad = list.find(wrong);
  if (bad) {
    // With another text it is known by its subject.
    const came = arrivals(bad)[0] ?? heard.find(({ subject }) => subject === subjectOf(bad));
    fail(`A report of depot ${quoted(bad.depot)} did not come as it should.`, {
      readme: "a-name-is-not-a-token",
      evidence: [
        `expected  ${subjectOf(bad)} ${quoted(bad.text)}, once`,
        `arrived   ${came ? `${came.subject} ${quoted(came.text)}${came.reply === undefined ? "" : ", and asks for an answer"}, ${times(Math.max(1, arrivals(bad).length))}` : "nothing"}`,
        ...published(bad)
          .slice(-1)
          .map((event) => wireLine(event)),
      ],
    });
  }
  expect(heard.length, "Messages that arrived").toBe(sent.length);
}

check(
  "a name becomes one token",
  {
    beliefs: {
      "any-name-is-a-token": {
        belief: "A name can stand in a subject as people write it.",
        readme: "a-name-is-not-a-token",
        hint: "Which character ends a token, and which one ends the whole subject? What is left of a name that has them?",
      },
      "uri-encoding-is-enough": {
        belief: "encodeURIComponent makes a token of any name.",
        readme: "what-encodeuricomponent-leaves",
        hint: 'Print what your function makes of "St. Gallen", and of "*". Which characters does it leave as they are, and what do they mean in a subject?',
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const first: Report = { depot: "ams", event: "fault.belt", text: "the belt stands still" };
    const rest: Report[] = [
      { depot: "Bad Homburg", event: "in", text: "P-1" },
      { depot: "St. Gallen", event: "in", text: "P-2" },
      { depot: "*", event: "in", text: "P-3" },
      { depot: ">", event: "in", text: "P-4" },
    ];
    // The first report is on the way, and does not arrive yet.
    const onTheWay = holdFrom(server, "depot", "publish");
    let early = false;
    const outcome = await collect(server, { until, lasting }, async (sent) => {
      const program = await learner.start("send", [server.connection("depot"), first]);
      await until("the depot to publish", () => program.settled || onTheWay.events.length > 0);
      await program.answers(2);
      early = program.settled && program.error === undefined && onTheWay.events.length > 0;
      onTheWay.release();
      await program.result();
      sent.push(first);
      const refused = await sendAll(program, server, rest, sent);
      program.leavesConnectionOpen();
      return refused;
    });
    const { sent, arrivals, subjects, published } = outcome;
    const elsewhere = (report: Report) => !subjects(report).includes(subjectOf(report));
    const withBlank = rest.find(
      (report) => elsewhere(report) && arrivals(report).some(({ reply }) => reply !== undefined),
    );
    const asWritten =
      withBlank ??
      sent.find(
        (report) => elsewhere(report) && subjects(report).includes(`parcel.${report.depot}.${report.event}`),
      );
    /** That names are encoded, if not well. */
    const encodes = ["%20", "%3E"].every((code) =>
      rest.some((report) => subjects(report)[0]?.includes(code)),
    );
    believes("any-name-is-a-token", {
      when: () => asWritten !== undefined && !encodes,
      message: () => {
        const [came] = arrivals(asWritten as Report);
        const name = quoted(asWritten?.depot);
        return withBlank
          ? `\`send\` published a report of depot ${name}. A blank ends the subject: the server read the subject ${came?.subject}, and took ${came?.reply} for the subject on which an answer is wanted. Nothing failed. The report is with whoever listens there, and not with those who wait for the depot's reports.`
          : `\`send\` published a report of depot ${name} on ${came?.subject}. In a subject, a dot ends a token, and \`*\` and \`>\` are wildcards where somebody subscribes. This is no longer one token that stands for the depot.`;
      },
      evidence: () => {
        const [came] = arrivals(asWritten as Report);
        return [
          `expected  ${subjectOf(asWritten as Report)}`,
          `arrived   ${came?.subject}${came?.reply === undefined ? "" : `, reply subject ${came.reply}`}`,
        ];
      },
      wire: () => published(asWritten as Report),
    });
    const half = sent.find(
      (report) =>
        elsewhere(report) &&
        subjects(report).includes(`parcel.${encodeURIComponent(report.depot)}.${report.event}`),
    );
    believes("uri-encoding-is-enough", {
      when: () => encodes && half !== undefined,
      message: () =>
        `\`send\` published a report of depot ${quoted(half?.depot)} on ${subjects(half as Report)[0]}. encodeURIComponent leaves letters, digits and these as they are: - _ . ! ~ * ' ( ). In a URI they do no harm. In a subject, a dot ends a token, and \`*\` is a wildcard.`,
      evidence: () => [`expected  ${subjectOf(half as Report)}`],
      wire: () => published(half as Report),
    });
    expectAll(outcome, [first, ...rest], fail);
    if (early)
      fail(
        "`send` was done while its report was still on the way. publish() only hands a message to the client. `send` is done when the server has it.",
        { readme: "your-task" },
      );
  },
);

check(
  "every name has a subject of its own",
  {
    beliefs: {
      "case-does-not-matter": {
        belief: "AMS and ams are the same subject.",
        readme: "capitals-count",
        hint: "Two depots are named AMS and ams. Whose reports does a subscription to parcel.ams.* get?",
      },
      "odd-characters-can-go": {
        belief: "Whatever is odd in a name can be left out, or replaced by one and the same character.",
        readme: "a-name-is-not-a-token",
        hint: "Take two names that differ only in what you replace. Which subjects do their reports have?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const [first, ...rest] = [
      ...reports(["ams"], ["in", "fault", "fault.belt-2.motor.1"]),
      ...reports(Object.keys(tokens).slice(1), ["in"]),
    ] as [Report, ...Report[]];
    const outcome = await collect(server, { until, lasting }, async (sent) => {
      const program = await learner.start("send", [server.connection("depot"), first]);
      await program.result();
      sent.push(first);
      return sendAll(program, server, rest, sent);
    });
    const { sent, subjects, published } = outcome;
    const twins = sent
      .flatMap((one, at) => sent.slice(at + 1).map((other) => [one, other] as const))
      .filter(([one, other]) => subjects(one)[0] !== undefined && subjects(one)[0] === subjects(other)[0]);
    const sameLetters = ([one, other]: readonly [Report, Report]) =>
      one.depot.toLowerCase() === other.depot.toLowerCase();
    const inCapitals = twins.find(sameLetters);
    believes("case-does-not-matter", {
      when: () => inCapitals !== undefined,
      message: () =>
        `The reports of two depots, ${quoted(inCapitals?.[0].depot)} and ${quoted(inCapitals?.[1].depot)}, went out on the same subject, ${subjects(inCapitals?.[0] as Report)[0]}. A subject keeps capitals and small letters apart, and so does the exercise: letters stay as they are.`,
      wire: () => (inCapitals ?? []).flatMap(published),
    });
    const alike = twins.find((pair) => !sameLetters(pair));
    believes("odd-characters-can-go", {
      when: () => alike !== undefined,
      message: () =>
        `The reports of two depots, ${quoted(alike?.[0].depot)} and ${quoted(alike?.[1].depot)}, went out on the same subject, ${subjects(alike?.[0] as Report)[0]}. Nobody can tell them apart any more, and nobody can say which name it was.`,
      wire: () => (alike ?? []).flatMap(published),
    });
    expectAll(outcome, [first, ...rest], fail);
  },
);

check(
  "what is no report is not sent",
  {
    beliefs: {
      "publish-refuses-what-is-wrong": {
        belief: "A subject that cannot be right makes publish() throw.",
        readme: "nobody-checks-a-subject",
        hint: "Publish to a subject with two dots in a row. What do you see, and where does the message go? Who is left that could look at the event?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const depot = server.connection("depot");
    const good = { depot: "ams", event: "fault.belt", text: "good" };
    const program = await learner.start("send", [depot, good]);
    await program.result();
    const from = server.wire.mark();
    // A line that nobody can read was published, too.
    const published = () => [
      ...server.wire.publishes(({ client, index }) => client === "depot" && index > from).slice(-1),
      ...server.wire.of("unreadable", { client: "depot" }).slice(0, 1),
    ];
    let bad: Report = good;
    let accepted = false;
    believes("publish-refuses-what-is-wrong", {
      when: () => accepted && published().length > 0,
      message: () =>
        bad.depot === ""
          ? "`send` published a report of a depot without a name, and threw no error. Its subject has an empty token: nobody can subscribe to that, so nobody will ever get it."
          : `\`send\` published a report about ${quoted(bad.event)}, which is no event, and threw no error. Neither the client nor the server looks whether a subject makes sense: publish() hands it over, and the server answers nothing.`,
      evidence: () => [`\`send\`  no error`],
      wire: published,
    });
    const cases: Report[] = [
      ...noEvents.map((event) => ({ depot: "ams", event, text: `about ${quoted(event)}` })),
      { depot: "", event: "fault", text: "without a depot" },
    ];
    for (bad of cases) {
      const outcome = await program.attempt("send", [depot, bad]);
      accepted = "value" in outcome;
      // What it published without waiting for the server shows a moment later.
      const nothing = lasting(200, () => published().length === 0);
      if (accepted) await until("the report to show on the wire", () => published().length > 0 || nothing());
      const what =
        bad.depot === "" ? "A depot without a name" : `${quoted(bad.event)} is no event. Such a report`;
      if (accepted) fail(`${what} was given to \`send\`, and it threw no error.`, { readme: "your-task" });
    }
    await program.answers(2);
    if (published().length > 0)
      fail("`send` threw an error, and published the report all the same.", {
        readme: "your-task",
        evidence: published().map((event) => wireLine(event)),
      });
    await program.again("send", [depot, { ...good, text: "good again" }]);
    program.leavesConnectionOpen();
  },
);

check(
  "a screen shows what fits its wish, and nothing else",
  {
    beliefs: {
      "gt-in-the-middle": {
        belief: "`>` stands for any number of tokens, wherever it is.",
        readme: "the-two-wildcards",
        hint: "Where may `>` stand in a subject? What tells your program that the server did not take a subscription?",
      },
      "star-fills-up-a-word": {
        belief: "`fault*` is every token that begins with fault.",
        readme: "the-two-wildcards",
        hint: "How much of a token can a wildcard stand for? What is `fault*` to the server?",
      },
      "star-is-the-rest": {
        belief: "`*` at the end stands for everything that follows.",
        readme: "the-two-wildcards",
        hint: "How many tokens has parcel.ams.fault.belt, and how many has your subscription?",
      },
      "gt-includes-the-level-above": {
        belief: "`fault.>` is fault and everything below it.",
        readme: "below-is-not-here",
        hint: "How many tokens does `>` stand for at the least? On which subject is a report about `fault` itself?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const wishes: Wish[] = [
      {},
      { depot: "ams" },
      { event: "fault" },
      { depot: "rtm", event: "fault" },
      { event: "fault.belt" },
      { depot: "ams", event: "in" },
    ];
    const list = reports(
      ["ams", "rtm", "amsterdam"],
      ["in", "in-2", "fault", "fault.belt", "fault.belt.motor", "faulty", "fault-2.belt", "default.fault"],
    );
    const screens = wishes.map((wish, at) => ({
      wish,
      client: `screen-${at + 1}`,
      show: hook<[Report], void>(),
      wanted: list.filter((report) => fits(report, wish)),
    }));
    const [first, ...others] = screens as [(typeof screens)[0], ...typeof screens];
    const program = await learner.start(
      "watch",
      [server.connection(first.client), [first.wish], first.show],
      screen,
    );
    const stops = [await program.result()];
    for (const { client, wish, show } of others)
      stops.push(await program.again("watch", [server.connection(client), [wish], show]));
    await publish(server, list);
    for (const { client } of screens) await delivered(server, { until, lasting }, program, client, list);

    const missing = ({ wanted, show }: (typeof screens)[0]) =>
      wanted.filter((report) => !show.received.some((shown) => lineOf(shown) === lineOf(report)));
    /** A report that the server sent the screen, because one of its subscriptions fits. */
    const came = (client: string, report: Report) =>
      subscriptions(server, client).some((each) => gets(each, report));
    /** A screen that was not sent such a report, with a subscription that explains it. */
    const lacking = (
      such: (subject: string, wish: Wish) => boolean,
      about: (report: Report, wish: Wish) => boolean = () => true,
    ) =>
      screens
        .map((each) => ({ ...each, lacks: missing(each).filter((report) => !came(each.client, report)) }))
        .filter(({ lacks, wish }) => lacks.some((report) => about(report, wish)))
        .flatMap((each) =>
          subscriptions(server, each.client).map((subscription) => ({ ...each, subscription })),
        )
        .find(({ wish, subscription }) => such(subscription.subject, wish));
    const inTheMiddle = () => lacking((subject) => subject.includes(">.") && impossible({ subject }));
    const half = () =>
      lacking((subject) => subject.split(".").some((token) => /[*>]/.test(token) && token.length > 1));
    const flat = () =>
      lacking(
        (subject) => subject.endsWith(".*"),
        ({ event }) => event.includes("."),
      );
    const onlyBelow = () =>
      lacking(
        (subject, { event }) => event !== undefined && subject.endsWith(`.${event}.>`),
        ({ event }, wish) => event === wish.event,
      );
    type Lacking = ReturnType<typeof lacking>;
    const story = (found: Lacking, what: string) =>
      `The wish was: ${wishText(found?.wish ?? {})}. The screen subscribed to ${found?.subscription.subject}. ${what}`;
    const evidence = (found: Lacking) =>
      found
        ? [
            `fit the wish  ${found.wanted.length}`,
            `not sent      ${found.lacks.map(subjectOf).slice(0, 3).join(", ")}`,
          ]
        : [];
    believes("gt-in-the-middle", {
      when: () => inTheMiddle() !== undefined,
      message: () =>
        story(
          inTheMiddle(),
          "`>` may only be the last token. The server refused this subscription, and subscribe() threw nothing: the client tells it in `nc.status()` only.",
        ),
      evidence: () => evidence(inTheMiddle()),
      wire: () =>
        [
          inTheMiddle()?.subscription,
          ...server.wire.of("error", { client: inTheMiddle()?.client ?? "" }).slice(0, 1),
        ].filter((event) => event !== undefined),
    });
    believes("star-fills-up-a-word", {
      when: () => half() !== undefined,
      message: () =>
        story(
          half(),
          "A wildcard stands for whole tokens. Beside other characters, `*` and `>` are characters as any other, so the server waits for a report with exactly this subject.",
        ),
      evidence: () => evidence(half()),
      wire: () => [half()?.subscription].filter((event) => event !== undefined),
    });
    believes("star-is-the-rest", {
      when: () => flat() !== undefined,
      message: () =>
        story(
          flat(),
          `\`*\` stands for exactly one token. ${subjectOf(flat()?.lacks.find(({ event }) => event.includes(".")) as Report)} has more tokens than that, and does not fit.`,
        ),
      evidence: () => evidence(flat()),
      wire: () => [flat()?.subscription].filter((event) => event !== undefined),
    });
    believes("gt-includes-the-level-above", {
      when: () => onlyBelow() !== undefined,
      message: () =>
        story(
          onlyBelow(),
          `\`>\` stands for one token or more. A report about \`${onlyBelow()?.wish.event}\` itself has none there, and does not fit.`,
        ),
      evidence: () => evidence(onlyBelow()),
      wire: () => [onlyBelow()?.subscription].filter((event) => event !== undefined),
    });
    const inGroup = screens.flatMap(({ client }) => subscriptions(server, client)).find(({ queue }) => queue);
    for (const each of screens) {
      const shown = linesOf(each.show.received);
      const wanted = linesOf(each.wanted);
      if (shown.join("\n") === wanted.join("\n")) continue;
      const lacks = missing(each)[0];
      const odd = each.show.received.find((report) => !fits(report, each.wish));
      fail(
        `The wish was: ${wishText(each.wish)}. ${wanted.length} reports fit it, and the screen showed ${shown.length}.`,
        {
          readme: "the-two-wildcards",
          evidence: [
            ...(lacks ? [`not shown  ${lineOf(lacks)}`] : []),
            ...(odd ? [`shown      ${lineOf(odd)}`] : []),
            ...(inGroup ? ["in a queue group, each report goes to one of its members only"] : []),
            ...subscriptions(server, each.client)
              .slice(0, 3)
              .map((event) => wireLine(event)),
          ],
        },
      );
    }
    for (const stop of stops) await stop();
    program.leavesConnectionOpen();
  },
);

check(
  "the server sends a screen only what somebody wishes for",
  {
    beliefs: {
      "filtering-here-is-the-same": {
        belief: "It makes no difference whether the server filters or my program does.",
        readme: "let-the-server-filter",
        hint: "How many messages came to your program, and how many of them did it show? Who carried the others, and for what?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const wishes: Wish[] = [
      { depot: "ams", event: "fault" },
      { depot: "rtm", event: "in" },
    ];
    const list = reports(
      ["ams", "rtm", "lux", "gva", "ber"],
      ["in", "out", "fault", "fault.belt", "weight", "weight.over", "door.open", "door.closed"],
    );
    const wanted = list.filter((report) => wishes.some((wish) => fits(report, wish)));
    const show = hook<[Report], void>();
    const program = await learner.start("watch", [server.connection("screen"), wishes, show], screen);
    const stop = await program.result();
    await publish(server, list);
    await delivered(server, { until, lasting }, program, "screen", list);
    const came = () =>
      server.wire.messages({ client: "screen" }).filter(({ subject }) => subject.startsWith("parcel."));
    const needless = () =>
      came().filter(({ subject }) => !wanted.some((report) => subjectOf(report) === subject));
    believes("filtering-here-is-the-same", {
      when: () => needless().length > 0,
      message: () =>
        `Of ${list.length} reports, ${wanted.length} fit a wish. The server sent the screen ${came().length}, and nobody had wished for ${needless().length} of them. The server can look at a subject and send nothing. Your program gets the message first, over the network, and then looks.`,
      evidence: () => [
        `published     ${list.length}`,
        `fit a wish    ${wanted.length}`,
        `sent to it    ${came().length}`,
      ],
      wire: () => [...subscriptions(server).slice(0, 1), ...needless().slice(0, 2)],
    });
    expect(needless().length, "Reports that came to the screen and that nobody had wished for").toBe(0);
    expect(linesOf(show.received), "What the screen shows").toEqual(linesOf(wanted));
    if (subscriptions(server).length === 0) fail("The screen subscribed to nothing.");
    await stop();
  },
);

check(
  "a report that fits two wishes is shown once",
  {
    beliefs: {
      "one-message-one-copy": {
        belief: "A message comes to a connection once, however many of its subscriptions fit.",
        readme: "a-copy-for-each-subscription",
        hint: "How often did one report come over the network to your program? What do the copies differ in?",
      },
      "same-text-same-message": {
        belief: "Two messages with the same subject and the same text are one message.",
        readme: "a-copy-for-each-subscription",
        hint: "The belt in one depot stood still twice. By what did your program tell a copy from a second report?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes }) => {
    const wishes: Wish[] = [
      { event: "fault" },
      { depot: "lux", event: "faulty" },
      { depot: "ams" },
      { depot: "AMS" },
      { depot: "ams", event: "fault.belt" },
      { depot: "ams" },
      { depot: "rtm", event: "fault" },
    ];
    const stuck = { depot: "ams", event: "fault.belt", text: "the belt stands still" };
    const list: Report[] = [
      // The same, word for word, and two reports.
      stuck,
      stuck,
      { depot: "rtm", event: "fault", text: "the gate is stuck" },
      { depot: "ams", event: "in", text: "P-7" },
      { depot: "AMS", event: "in", text: "P-9" },
      { depot: "lux", event: "faulty", text: "" },
      { depot: "lux", event: "fault.belt.motor", text: "too hot" },
      { depot: "lux", event: "in", text: "P-8" },
      { depot: "ams", event: "fault", text: "the light is out" },
    ];
    const wanted = list.filter((report) => wishes.some((wish) => fits(report, wish)));
    const show = hook<[Report], void>();
    const program = await learner.start("watch", [server.connection("screen"), wishes, show], screen);
    const stop = await program.result();
    await publish(server, list);
    await delivered(server, { until, lasting }, program, "screen", list);
    const shown = (report: Report) => show.received.filter((each) => lineOf(each) === lineOf(report)).length;
    const sent = (report: Report) => list.filter((each) => lineOf(each) === lineOf(report)).length;
    const came = (report: Report) =>
      server.wire.messages(
        ({ client, subject, text }) =>
          client === "screen" && subject === subjectOf(report) && text === report.text,
      );
    const tooOften = wanted.find((report) => shown(report) > sent(report));
    believes("one-message-one-copy", {
      when: () => tooOften !== undefined && came(tooOften).length > sent(tooOften),
      message: () =>
        `The report ${quoted(tooOften?.text)} was sent ${times(sent(tooOften as Report))}, and the screen showed it ${times(shown(tooOften as Report))}. It fits several of the screen's subscriptions, and the server sends a copy for each of them, also on one connection.`,
      evidence: () => [
        `sent               ${times(sent(tooOften as Report))}`,
        `came to the screen ${times(came(tooOften as Report).length)}`,
        `shown              ${times(shown(tooOften as Report))}`,
      ],
      wire: () => came(tooOften as Report),
    });
    believes("same-text-same-message", {
      when: () => shown(stuck) === 1 && wanted.every((report) => shown(report) > 0),
      message: `The report ${quoted(stuck.text)} was sent twice, and the screen showed it once. The second one was no copy of the first: the belt stood still again. Copies differ in the subscription that they came to, and in nothing else.`,
      evidence: () => ["sent   twice", "shown  once"],
      wire: () => came(stuck),
    });
    expect(linesOf(show.received), "What the screen shows").toEqual(linesOf(wanted));
    await stop();
    program.leavesConnectionOpen();
  },
);

check(
  "a name is a name, whatever stands in it",
  {
    beliefs: {
      "a-name-may-be-a-wildcard": {
        belief: "A name that I subscribe to needs no care: nothing is sent under it.",
        readme: "a-name-is-not-a-token",
        hint: "One depot is named *. What does your screen subscribe to when somebody wishes for it?",
      },
      "the-token-is-the-name": {
        belief: "What stands in the subject is what people wrote.",
        readme: "a-name-is-not-a-token",
        hint: "What did `send` do to the name before it came into the subject? Who turns that round?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const list = reports(Object.keys(tokens), ["in"]);
    const everything = hook<[Report], void>();
    const program = await learner.start("watch", [server.connection("screen"), [{}], everything], screen);
    const stops = [await program.result()];
    const screens = ["*", ">", "hall.1", "hall 1", "St. Gallen", "AMS", "%41"].map((depot, at) => ({
      depot,
      client: `screen-${at + 2}`,
      show: hook<[Report], void>(),
    }));
    for (const { depot, client, show } of screens)
      stops.push(await program.again("watch", [server.connection(client), [{ depot }], show]));
    await publish(server, list);
    for (const client of ["screen", ...screens.map((each) => each.client)])
      await delivered(server, { until, lasting }, program, client, list);
    /** What a screen subscribes to whatever its wish is says nothing about the name. */
    const usual = subscriptions(server, screens.find(({ depot }) => depot === "AMS")?.client);
    const opened = screens.find(({ depot, client }) =>
      subscriptions(server, client).some(
        ({ subject }) =>
          subject.startsWith(`parcel.${depot}.`) &&
          tokens[depot] !== depot &&
          !usual.some((each) => each.subject === subject),
      ),
    );
    believes("a-name-may-be-a-wildcard", {
      when: () => opened !== undefined,
      message: () =>
        `Somebody wished for the reports of depot ${quoted(opened?.depot)}. The screen subscribed to ${subscriptions(server, opened?.client)[0]?.subject}. There the name is no name any more. The depot's reports are on parcel.${tokens[opened?.depot ?? ""]}.in: a wish needs the same token as a report.`,
      evidence: () => [
        `wished  depot ${quoted(opened?.depot)}`,
        `shown   ${opened?.show.received.length ? [...new Set(opened.show.received.map(({ depot }) => quoted(depot)))].slice(0, 4).join(", ") : "nothing"}`,
      ],
      wire: () => [
        ...subscriptions(server, opened?.client).slice(0, 1),
        ...server.wire.of("error", { client: opened?.client ?? "" }).slice(0, 1),
      ],
    });
    const raw = everything.received.find(
      ({ depot }) => !(depot in tokens) && Object.values(tokens).includes(depot),
    );
    believes("the-token-is-the-name", {
      when: () => raw !== undefined,
      message: () =>
        `The screen showed a report of depot ${quoted(raw?.depot)}. That is the token in the subject. The depot's name is ${quoted(Object.entries(tokens).find(([, token]) => token === raw?.depot)?.[0])}.`,
      evidence: () => [`shown  ${lineOf(raw as Report)}`],
      wire: () => server.wire.messages(({ client, text }) => client === "screen" && text === raw?.text),
    });
    expect(
      linesOf(everything.received),
      "A screen for every depot shows the names as people write them",
    ).toEqual(linesOf(list));
    for (const { depot, show, client } of screens) {
      const [report] = reports([depot], ["in"]) as [Report];
      if (linesOf(show.received).join("\n") !== lineOf(report))
        fail(
          `Somebody wished for the reports of depot ${quoted(depot)}. The screen showed: ${show.received.map(lineOf).join(", ") || "nothing"}.`,
          {
            readme: "a-name-is-not-a-token",
            evidence: subscriptions(server, client)
              .slice(0, 2)
              .map((event) => wireLine(event)),
          },
        );
    }
    for (const stop of stops) await stop();
  },
);

check(
  "a message that is no report does not stop a screen",
  {
    beliefs: {
      "every-subject-is-one-of-ours": {
        belief: "Whatever comes on these subjects was sent by one of our own programs.",
        readme: "anybody-may-publish",
        hint: "What does decodeURIComponent do with a text like %ZZ? What happens in the client when your callback throws?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes }) => {
    const nc = await server.client();
    const show = hook<[Report], void>();
    const program = await learner.start("watch", [server.connection("screen"), [{}], show], screen);
    const stop = await program.result();
    const [before, after] = [
      { depot: "ams", event: "in", text: "before" },
      { depot: "ams", event: "in", text: "after" },
    ];
    const odd = ["parcel.%ZZ.in", "parcel.%E4%B8.in", "parcel.%.in"];
    const shown = () => show.received.map(({ text }) => text);
    await publish(server, [before]);
    const dark = lasting(1_000, () => !shown().includes("before"));
    await until("the screen to show a report", () => shown().includes("before") || dark());
    for (const subject of odd) nc.publish(subject, "odd");
    await publish(server, [after]);
    const came = () => server.wire.messages({ client: "screen" }).length;
    const dumb = lasting(1_000, () => came() >= odd.length + 2 && !shown().includes("after"));
    let ended = false;
    believes("every-subject-is-one-of-ours", {
      when: () => ended && shown().includes("before") && !shown().includes("after"),
      message: () =>
        `Somebody published on ${odd[0]}, which is no depot's token. The report after it was sent to the screen, and not shown. ${program.exit ? "An error that is thrown there ends the whole process." : "An error that is thrown while a message is handled ends the client's reading, or your loop; nothing is told, and the connection stays."}`,
      evidence: () => [`shown  ${shown().join(", ")}`],
      wire: () => server.wire.messages({ client: "screen" }).slice(1),
    });
    await until("the screen to show the report after it", () => {
      ended = program.exit !== undefined || dumb();
      return ended || shown().includes("after");
    });
    expect(show.received, "What the screen shows").toEqual([before, after]);
    await stop();
    program.leavesConnectionOpen();
  },
);

check(
  "a screen is there when `watch` is done, and gone when it is stopped",
  {
    beliefs: {
      "one-end-ends-all": {
        belief: "When I end my subscription, I get nothing more.",
        readme: "a-copy-for-each-subscription",
        hint: "How many subscriptions did your program make for one wish? How many did it end?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const wishes: Wish[] = [{ depot: "ams" }, { depot: "rtm" }];
    const show = hook<[Report], void>();
    const silence = server.relay.hold(
      (event) => event.direction === "toClient" && subscriptions(server).length > 0,
      { who: "screen", what: "what the server says to the screen" },
    );
    const program = await learner.start("watch", [server.connection("screen"), wishes, show], screen);
    await until("the screen to subscribe", () => program.settled || subscriptions(server).length > 0);
    await program.answers(2);
    const waits = lasting(100, () => !program.settled);
    await until("the screen to wait for the server", () => program.settled || waits());
    const unconfirmed = program.settled && program.error === undefined;
    silence.release();
    const stop = await program.result();
    if (unconfirmed)
      fail(
        "`watch` was done before the server had said anything about the subscriptions. It may not have read them yet, and a report in this moment may be missed.",
        {
          readme: "your-task",
          evidence: subscriptions(server)
            .slice(0, 2)
            .map((event) => wireLine(event)),
        },
      );
    const list = reports(["ams", "rtm"], ["in", "out"]);
    // Another screen in the same program: it goes on.
    const other = hook<[Report], void>();
    const stopOther = await program.again<() => Promise<void>>("watch", [
      server.connection("screen-2"),
      wishes,
      other,
    ]);
    await publish(server, list);
    await delivered(server, { until, lasting }, program, "screen", list);
    const made = subscriptions(server);
    // What the screen says is on the way, from its first word that it wants no more.
    const onTheWay = holdFrom(server, "screen", "unsubscribe");
    let over = false;
    const stopping = stop().then(() => {
      over = true;
    });
    // Its error shows where it is awaited.
    stopping.catch(() => {});
    await until("the screen to end its subscriptions", () => over || onTheWay.events.length > 0);
    await program.answers(2);
    const early = over && onTheWay.events.length > 0;
    onTheWay.release();
    await stopping;
    await program.answers(2);
    const ended = server.wire.of("unsubscribe", { client: "screen" });
    const left = made.filter(({ sid }) => !ended.some((event) => event.sid === sid));
    const before = show.calls.length;
    await publish(server, list);
    const dark = lasting(1_000, () => other.calls.length < 2 * list.length);
    await until("the other screen to go on", () => other.calls.length >= 2 * list.length || dark());
    await program.answers(2);
    const late = () =>
      server.wire.messages(({ client, index }) => client === "screen" && index > (made.at(-1)?.index ?? 0));
    believes("one-end-ends-all", {
      when: () => left.length > 0 && ended.length > 0,
      message: () =>
        `The screen had ${made.length} subscriptions. It was stopped, and ended ${ended.length} of them. The server goes on sending what fits the others: ${left.map(({ subject }) => subject).join(", ")}.`,
      evidence: () => [`subscriptions  ${made.length}`, `ended          ${ended.length}`],
      wire: () => [...ended.slice(0, 1), ...late().slice(-1)],
    });
    if (left.length > 0)
      fail(`The screen was stopped, and has not ended its subscription to ${left[0]?.subject}.`, {
        readme: "your-task",
        evidence: left.slice(0, 2).map((event) => wireLine(event)),
      });
    if (early)
      fail(
        "The screen was stopped, and the function was done while that was still on its way to the server. The server goes on sending until it knows.",
        { readme: "your-task" },
      );
    if (other.calls.length < 2 * list.length)
      fail(
        `Two screens were there, made by the same program. One of them was stopped. The other one got no more, either: it showed ${other.calls.length} of ${2 * list.length} reports.`,
        { readme: "your-task", evidence: ended.slice(-2).map((event) => wireLine(event)) },
      );
    await stopOther();
    expect(show.calls.length - before, "Reports that are shown after the stop").toBe(0);
    expect(linesOf(show.received), "What the screen shows").toEqual(linesOf(list));
    program.leavesConnectionOpen();
  },
);

check(
  "a wish that nothing can fit is refused",
  {
    beliefs: {
      "subscribe-refuses-what-is-wrong": {
        belief: "A subject that nothing can fit makes subscribe() throw.",
        readme: "nobody-checks-a-subject",
        hint: "Subscribe to a subject with two dots in a row, and log what `nc.status()` gives. When does the error come, and to whom?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const show = hook<[Report], void>();
    const connection = server.connection("screen");
    const good: Wish = { depot: "ams" };
    const program = await learner.start("watch", [connection, [good], show], screen);
    const stop = await program.result();
    await stop();
    const before = subscriptions(server).length;
    const made = () => subscriptions(server).slice(before);
    /** Subscriptions that the bad wish led to. */
    const odd = () => made().filter(({ subject }) => !subject.startsWith("parcel.ams"));
    let bad: Wish = good;
    let accepted = false;
    believes("subscribe-refuses-what-is-wrong", {
      when: () => accepted && odd().length > 0,
      message: () =>
        `Somebody wished for ${bad.depot === "" ? "a depot without a name" : `the event ${quoted(bad.event)}, which is none`}. \`watch\` subscribed, and threw no error. Whoever wished for it waits for what cannot come, or gets what he did not ask for, and nobody knows why. subscribe() asks nobody: what the server thinks of it comes later, in \`nc.status()\`, or not at all.`,
      evidence: () => ["`watch`  no error"],
      wire: () => [...odd().slice(-1), ...server.wire.of("error", { client: "screen" }).slice(0, 1)],
    });
    const cases: Wish[] = [
      ...noEvents.map((event) => ({ event })),
      { depot: "", event: "in" },
      { depot: "" },
    ];
    for (bad of cases) {
      // The bad one first or last.
      const wishes = cases.indexOf(bad) % 2 === 0 ? [good, bad] : [bad, good];
      const outcome = await program.attempt("watch", [connection, wishes, show]);
      accepted = "value" in outcome;
      const nothing = lasting(200, () => odd().length === 0);
      if (accepted) await until("the subscription to show on the wire", () => odd().length > 0 || nothing());
      if (accepted)
        fail(
          `${bad.depot === "" ? "A depot without a name" : `${quoted(bad.event)} is no event. Such a wish`} was given to \`watch\`, and it threw no error.`,
          {
            readme: "your-task",
          },
        );
    }
    await program.answers(2);
    const unreadable = server.wire.of("unreadable", { client: "screen" });
    if (made().length > 0 || unreadable.length > 0)
      fail(
        "`watch` was given a wish that nothing can fit, and threw an error. It had subscribed all the same, and nobody can end that.",
        {
          readme: "your-task",
          evidence: [...made().slice(0, 2), ...unreadable.slice(0, 1)].map((event) => wireLine(event)),
        },
      );
    program.leavesConnectionOpen();
  },
);

/** How often: `once`, `twice`, `4 times`. */
function times(count: number): string {
  return count === 1 ? "once" : count === 2 ? "twice" : `${count} times`;
}
