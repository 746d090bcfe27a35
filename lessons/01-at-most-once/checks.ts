// Lesson 01: what a terminal and a board do when nobody listens, when they are switched off, and when the server goes.
import type { Msg, NatsConnection } from "nats";
import {
  type CheckServer,
  exercise,
  expect,
  gate,
  hook,
  type Lasting,
  type LearnerProgram,
  type Until,
  wireLine,
} from "../../checker/kit/index.ts";
import type { Scan } from "./exercise.ts";

const { check } = exercise<typeof import("./exercise.ts")>();

/** Reconnecting in milliseconds instead of seconds, so that a long outage is over soon. */
const impatient = { reconnectTimeWait: 2, reconnectJitter: 0, reconnectJitterTLS: 0 };

/** How long a board that still waits for its next attempt is waited for: only such a board takes so long. */
const longestWaitMs = 30_000;

/** How long what is on its way stays there for a terminal that has a timer: longer than half a second, for which some wait, whatever comes. */
const onTheWayMs = 700;

/** For so long a check holds a board up that has a timer: it may go on after a second, whatever comes. By the clock on the wall, as its timers run. */
const overASecondMs = 1_200;

/** Attempts to reconnect for which the server is away: four times what a client makes by itself. */
const longOutage = 40;

/** Scans number `from` to `to` of a depot. Odd numbers go in, even ones go out. */
function scans(from: number, to: number): Scan[] {
  return Array.from({ length: to - from + 1 }, (_, i) => ({
    no: from + i,
    parcel: `P-${from + i}`,
    event: (from + i) % 2 === 1 ? "in" : "out",
  }));
}

/** A message of a terminal as the exercise describes it, in one line: its subject, and its payload read as JSON. */
function reported(subject: string, payload: string): string {
  try {
    const { no, parcel, event } = JSON.parse(payload) as Scan;
    if (no !== undefined) return `${subject} ${JSON.stringify({ no, parcel, event })}`;
  } catch {}
  return `${subject} ${payload === "" ? "(an empty message)" : payload}`;
}

const numbers = (list: readonly Scan[]) => list.map((scan) => scan.no);

/** Whether a program has a timer that runs out, whatever comes. The client has one for each connection, to send PINGs; those do not count. */
async function hasTimer(program: LearnerProgram<unknown>): Promise<boolean> {
  const open = (await program.openResources()) ?? [];
  const count = (kind: string) => open.filter((name) => name === kind).length;
  return count("Timeout") > count("TCPSocketWrap");
}

/**
 * Waits for the board that is started next to subscribe. Whether it waits for that itself is the business of one check; the others send
 * when it has, or when a second was not enough.
 */
function subscription(
  server: CheckServer,
  nc: NatsConnection,
  until: Until,
  lasting: Lasting,
): () => Promise<void> {
  const from = server.wire.mark();
  return async () => {
    const never = lasting(1_000, () => true);
    const subscribed = () =>
      server.wire.of("subscribe", { client: "board" }).some(({ index }) => index >= from);
    await until("the board to subscribe", () => subscribed() || never());
    await nc.flush();
  };
}

check(
  "every scan is sent before the terminal is switched off",
  {
    beliefs: {
      "publish-means-sent": {
        belief: "When publish() has returned, the message has been sent.",
        readme: "publish-does-not-send",
        hint: "Where are your messages between the call of publish() and the network? Which call of the client tells you that they have left?",
      },
      "subject-is-one-word": {
        belief: "The subject is a label. Any will do, as long as publisher and subscriber agree on it.",
        readme: "the-idea",
        hint: "Look at the subject that the exercise asks for: how many tokens has it, and which of them change from scan to scan?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    // Few enough for a program that makes a connection for each of them.
    const all = scans(1, 100);
    const everything: { subject: string; payload: string }[] = [];
    const nc = await server.client();
    nc.subscribe(">", {
      callback: (_, message) => void everything.push({ subject: message.subject, payload: message.string() }),
    });
    await nc.flush();
    const right = /^parcel\.[^.]+\.(in|out)$/;
    // A terminal may send more than its scans: a message to itself, for example, that comes back when the server has what was before it.
    const heard = () => everything.filter(({ subject }) => subject.startsWith("parcel."));

    // The way to the server is slow: from the first scan on, what the terminal sends is on the way and does not arrive yet.
    let publishing = false;
    const onTheWay = server.relay.hold(
      (event) => {
        publishing ||= event.kind === "publish";
        return publishing && event.direction === "toServer";
      },
      { who: "terminal", what: "what the terminal sends" },
    );
    const terminal = await learner.start("report", [server.options("terminal"), "lux", all], {
      powerOff: true,
    });
    const published = () => onTheWay.events.filter((event) => event.kind === "publish").length;
    const pinged = () => onTheWay.events.some(({ kind }) => kind === "ping");
    // Who listens to himself sends no PING; he waits for what he has sent to come back.
    const listens = lasting(
      1_000,
      () => published() > 0 && server.wire.of("subscribe", { client: "terminal" }).length > 0,
    );
    const makesSure = () =>
      pinged() || onTheWay.events.some((event) => event.kind === "publish" && event.reply) || listens();
    await until("the terminal to publish and make sure of it", () => terminal.exit || makesSure());
    await terminal.answers(2);
    if (await hasTimer(terminal)) {
      const since = performance.now();
      await until(
        "the terminal to be done before its scans have arrived",
        () => terminal.exit || performance.now() - since > onTheWayMs,
      );
      await terminal.answers(2);
    }
    const switchedOffEarly = terminal.exit !== undefined && terminal.error === undefined;
    // With the terminal its connection is gone, and with the connection what was still on the way.
    if (switchedOffEarly) onTheWay.drop();
    else onTheWay.release();
    await terminal.ended();
    await until("the server to notice that the terminal is gone", () => server.hasLeft("terminal"));
    await nc.flush();

    believes("publish-means-sent", {
      when: () => switchedOffEarly && published() > 0 && heard().length < all.length,
      message: () =>
        `\`report\` was done and the terminal was switched off while its scans were still on the way. The server got ${heard().length} of ${all.length}; the others were lost with the connection. publish() only hands a message to the client; it waits for nobody.`,
      evidence: () => [
        `published  ${published()}`,
        pinged()
          ? "`report` was done. It had asked the server for a sign (PING), and did not wait for it"
          : "`report` was done, and had asked the server for no sign that it has them",
        `arrived    ${heard().length}`,
      ],
      wire: () => server.wire.publishes({ client: "terminal" }),
    });
    believes("subject-is-one-word", {
      when: () => everything.length >= all.length && !everything.some(({ subject }) => right.test(subject)),
      message: () =>
        `The scans arrived on the wrong subject: ${JSON.stringify(everything[0]?.subject)} instead of "parcel.lux.in" or "parcel.lux.out". A subscriber to parcel.lux.* hears none of them.`,
    });
    const asked = server.wire.publishes((event) => event.client === "terminal" && event.reply !== undefined);
    if (terminal.error && asked.length > 0) {
      fail(
        `\`report\` sent a scan as a request and waited for an answer. Somebody listens here, and answers nothing, so it failed: ${terminal.error.message}. A scan needs no answer; that the server has it is another question.`,
        { readme: "nobody-listens", evidence: asked.slice(0, 1).map((event) => wireLine(event)) },
      );
    }
    await terminal.result();
    // The server has worked off all that came: what has not arrived by now never will.
    if (everything.length === 0) {
      fail(
        "`report` was done, and not one scan had left the terminal. publish() only hands a message to the client, which sends it a moment later. close() does not wait for that: what is still in the client goes with the connection. If your program publishes, it must wait until the server has its scans.",
        {
          readme: "publish-does-not-send",
          evidence: server.wire
            .by("terminal", "program", "disconnect")
            .slice(-3)
            .map((event) => wireLine(event)),
        },
      );
    }
    if (heard().length < all.length) {
      fail(`\`report\` was done, and the server had ${heard().length} of ${all.length} scans.`, {
        readme: "publish-does-not-send",
      });
    }
    const arrived = heard().map(({ subject, payload }) => reported(subject, payload));
    const wanted = all.map((scan) => reported(`parcel.lux.${scan.event}`, JSON.stringify(scan)));
    const first = arrived.findIndex((line, at) => line !== wanted[at]);
    if (first >= 0) {
      fail(
        `Message ${first + 1} that arrived is not what it should be. Each scan is one message on its own subject, with the scan as JSON, and they come in order.`,
        {
          readme: "the-idea",
          evidence: [`expected  ${wanted[first] ?? "no more messages"}`, `arrived   ${arrived[first]}`],
        },
      );
    }
  },
);

check(
  "a board that was switched off knows what it missed",
  {
    beliefs: {
      "publish-needs-a-listener": {
        belief: "Publishing fails when nobody listens, so the publisher must wait for an answer.",
        readme: "nobody-listens",
        hint: "Does the terminal have to know who listens? Which of publish and request waits for somebody?",
      },
      "missed-messages-come-later": {
        belief: "A subscriber that comes back gets the messages that it missed.",
        readme: "what-was-missed-stays-missed",
        hint: "Which part of the system could still hold the missed scans? What does your board do while it waits for them?",
      },
      "no-message-means-nothing-happened": {
        belief: "If no message came, nothing was sent.",
        readme: "what-was-missed-stays-missed",
        hint: "What in the scan itself tells you that there was another one before it?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const nc = await server.client();
    const send = (scan: Scan) => nc.publish("parcel.ams.in", JSON.stringify(scan));
    const before = { show: hook<[Scan], void>(), missed: hook<[number, number], void>() };
    let subscribed = subscription(server, nc, until, lasting);
    const first = await learner.start("watch", [server.options("board"), "ams", 0, before], {
      name: "watch",
    });
    await first.result();
    await subscribed();
    for (const scan of scans(1, 3)) send(scan);
    await until("the board to show scans 1 to 3", () => before.show.calls.length >= 3);
    await first.kill();

    const terminal = await learner.start("report", [server.options("terminal"), "ams", scans(4, 6)], {
      powerOff: true,
    });
    const nobody = () => server.wire.statuses({ client: "terminal", code: 503 });
    const requested = () =>
      server.wire.publishes(({ client, reply }) => client === "terminal" && !!reply).length > 0;
    believes("publish-needs-a-listener", {
      // On a busy machine a request may give up before it reads that nobody is there.
      when: () => nobody().length > 0 || (requested() && terminal.error?.code === "TIMEOUT"),
      message: () =>
        `Nobody listened, and \`report\` sent a scan as a request. ${terminal.error ? `It failed: ${terminal.error.message}` : "The server said that nobody is there (503)"}. A publisher does not know and does not care who listens; only a request needs somebody.`,
      evidence: () =>
        nobody()
          .slice(0, 2)
          .map(() => "the server answered 503, no responders"),
      wire: () => server.wire.by("terminal", "publish", "status"),
    });
    await terminal.ended();
    await terminal.result();

    const after = {
      // Long enough for the order to show: calls that nobody awaits come in any order.
      show: hook<[Scan], Promise<void>>(() => new Promise((resolve) => setImmediate(resolve))),
      missed: hook<[number, number], void>(),
    };
    subscribed = subscription(server, nc, until, lasting);
    const second = await learner.start("watch", [server.options("board"), "ams", 3, after], {
      name: "watch",
    });
    await second.result();
    await subscribed();
    const arrived = () =>
      server.wire.messages((event) => event.client === "board" && event.text?.includes('"no":7') === true);
    believes("no-message-means-nothing-happened", {
      // A board that tells it behind the scan has counted, after all.
      when: lasting(1_000, () => after.show.calls.length > 0 && after.missed.calls.length === 0),
      message:
        "The board had last seen scan 3, was switched off while 4, 5 and 6 were sent, and then showed scan 7 as if nothing were missing. Nobody tells a subscriber what it missed; only the numbers in the scans can.",
      evidence: () => ["last seen  3", "missed     4, 5, 6", "shown      7, and `missed` was not called"],
      wire: () => [...server.wire.publishes({ client: "terminal" }), ...arrived()],
    });
    believes("missed-messages-come-later", {
      when: lasting(1_000, () => arrived().length > 0 && after.show.calls.length === 0),
      message:
        "Scan 7 was delivered to the board, and the board does not show it. It waits for scans 4, 5 and 6, which were sent while it was switched off. Core NATS keeps nothing: they will never come.",
      evidence: () => ["delivered  7", "shown      nothing"],
      wire: () => [...server.wire.publishes({ client: "terminal" }), ...arrived()],
    });
    for (const scan of scans(7, 7)) send(scan);
    await until("the board to show scan 7", () => after.show.calls.length >= 1 && after.show.running === 0);
    await until("the board to tell what was missed", () => after.missed.calls.length > 0);
    const [shown, told] = [after.show.calls[0], after.missed.calls[0]];
    if (told && shown?.ended !== undefined && shown.ended < told.at) {
      fail(
        "The board showed scan 7 first, and told then that scans before it were missed. Call `missed` first: on the wall things stand in the order in which they are told.",
        { readme: "what-was-missed-stays-missed" },
      );
    }
    expect(numbers(after.show.received), "The new board shows what came after it was switched on").toEqual([
      7,
    ]);
    expect(
      after.missed.calls.map((call) => call.args),
      "The board tells that scans 4 to 6 were missed",
    ).toEqual([[4, 6]]);
    await second.value?.();
  },
);

check(
  "a board hears everything from the moment that watch is done",
  {
    beliefs: {
      "subscribe-is-immediate": {
        belief: "When subscribe() has returned, the server knows the subscription.",
        readme: "subscribing-takes-a-moment",
        hint: "subscribe() returns at once. How could it have asked the server? What can you await that only the server can answer?",
      },
      "one-event-is-all": {
        belief: "The scans of a depot come on one subject.",
        readme: "the-idea",
        hint: "On which subjects does a depot publish its scans? Which of them does your subscription match?",
      },
      "last-stays-last": {
        belief: "`last` was given to me, so it is right.",
        readme: "what-was-missed-stays-missed",
        hint: "Which scan has the board seen last when the second one comes? Where does your program remember it?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes }) => {
    const nc = await server.client();
    const board = { show: hook<[Scan], void>(), missed: hook<[number, number], void>() };
    // From its subscription on, nothing that the board sends reaches the server.
    let subscribed = false;
    const held = server.relay.hold(
      (event) => {
        subscribed ||= event.kind === "subscribe";
        return subscribed && event.direction === "toServer";
      },
      { who: "board", what: "what the board sends" },
    );
    const watching = await learner.start("watch", [server.options("board"), "lux", 0, board]);
    await until(
      "the board to subscribe and make sure of it",
      () =>
        watching.settled || held.events.some((event) => event.kind === "ping" || event.kind === "publish"),
    );
    await watching.answers();
    let tooEarly = watching.settled && watching.error === undefined;
    believes("subscribe-is-immediate", {
      when: () => tooEarly,
      message:
        "`watch` was done, but its subscription was still on the way to the server. A scan that is published in this moment never reaches the board.",
      evidence: () => ["`watch` returned", "SUB parcel.lux.* had not reached the server"],
      wire: () => server.wire.of("subscribe", { client: "board" }),
    });
    await watching.answers();
    tooEarly = tooEarly && watching.settled;
    held.release();
    await watching.result();
    const shown = () => numbers(board.show.received);
    const asked = () => server.wire.of("subscribe", { client: "board" });
    /** The subjects of the depot on which the board has got something. */
    const delivered = () =>
      ["parcel.lux.in", "parcel.lux.out"].filter(
        (subject) => server.wire.messages({ client: "board", subject }).length > 0,
      );
    believes("one-event-is-all", {
      // Who has got the other scans and does not show them has asked for them.
      when: lasting(1_000, () => /^(1,3|2,4)$/.test(shown().join()) && delivered().length < 2),
      message: () =>
        `The board shows scans ${shown().join(" and ")} only. A depot publishes a parcel that goes in on parcel.lux.in, and one that goes out on parcel.lux.out. Your board asked for ${asked()
          .map((event) => event.subject)
          .join(", ")}.`,
      evidence: () => ["published  1 and 3 on parcel.lux.in, 2 and 4 on parcel.lux.out"],
      wire: () => [...asked(), ...server.wire.messages({ client: "board" })],
    });
    const claims = () => board.missed.calls.map(({ args: [from, to] }) => `${from} to ${to}`).join(", ");
    believes("last-stays-last", {
      when: () =>
        shown().length === 4 &&
        board.missed.calls.length > 1 &&
        board.missed.calls.every(({ args: [from, to] }) => from === 1 && to < 4),
      message: () =>
        `Scans 1 to 4 came, and all of them were shown. Yet the board told people that these were missed: ${claims()}. It compares each scan with the \`last\` of its start, and not with the scan before.`,
      evidence: () => [`shown   ${shown().join(", ")}`, `missed  ${claims()}`],
      wire: () => server.wire.messages({ client: "board" }),
    });
    for (const scan of scans(1, 4)) nc.publish(`parcel.lux.${scan.event}`, JSON.stringify(scan));
    // Two other depots; the name of one begins in the same way.
    nc.publish("parcel.ams.in", JSON.stringify(scans(8, 8)[0]));
    nc.publish("parcel.luxor.in", JSON.stringify(scans(9, 9)[0]));
    await nc.flush();
    const noMore = lasting(3_000, () => board.show.calls.length < 4);
    await until("the board to show scans 1 to 4", () => board.show.calls.length >= 4 || noMore());
    await watching.value?.();
    expect(numbers(board.show.received), "The board of lux shows the scans of lux, in order").toEqual([
      1, 2, 3, 4,
    ]);
    expect(
      board.missed.calls.map((call) => call.args),
      "What `missed` was called with, when nothing was missed",
    ).toEqual([]);
  },
);

check(
  "a message that is not a scan does not stop the board",
  {
    beliefs: {
      "every-message-is-well-formed": {
        belief: "Messages on my subject are always what I expect.",
        readme: "one-bad-message",
        hint: "What happens to the code below JSON.parse when it throws? Who would call it again for the next message?",
      },
      "json-means-scan": {
        belief: "What can be read as JSON is a scan.",
        readme: "one-bad-message",
        hint: "Your code says that the message is a Scan, and the compiler believes it. Who has looked, while the program runs?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes }) => {
    const nc = await server.client();
    const board = { show: hook<[Scan], void>(), missed: hook<[number, number], void>() };
    const subscribed = subscription(server, nc, until, lasting);
    const watching = await learner.start("watch", [server.options("board"), "ams", 0, board]);
    await watching.result();
    await subscribed();
    const send = (...texts: string[]) => {
      for (const text of texts) nc.publish("parcel.ams.in", text);
    };
    const [first, second, third, fifth] = [1, 2, 3, 5].map((no) => JSON.stringify(scans(no, no)[0])) as [
      string,
      string,
      string,
      string,
    ];
    const noScans = ["null", '{"parcel":"P-9"}', "42", '"x"', '{"no":"7"}', '{"no":null}'];
    const messages = () => server.wire.messages({ client: "board" });
    const shown = () => numbers(board.show.received);
    /** So many messages came, and the last one is not shown: the process is gone, or says nothing. */
    const endedAt = (count: number, no: number) => {
      const dumb = lasting(1_000, () => messages().length >= count && !shown().includes(no));
      return () =>
        (watching.exit !== undefined && messages().length >= count - 1 && !shown().includes(no)) || dumb();
    };
    const how = () =>
      watching.exit
        ? "An error that is thrown while a message is handled ends the whole process."
        : "Either an error was thrown there, or the loop was left; the process lives on without it.";
    send(first);
    await until("the board to show scan 1", () => shown().includes(1));

    const endedAtBad = endedAt(3, 2);
    believes("every-message-is-well-formed", {
      when: () => shown().join() === "1" && endedAtBad(),
      message: () => `After the message {bad the board shows nothing more, though scan 2 was sent. ${how()}`,
      evidence: () => ["sent   scan 1 · {bad · scan 2", "shown  scan 1"],
      wire: messages,
    });
    send("{bad", second);
    await until("the board to show scan 2", () => shown().includes(2));

    const endedAtNull = endedAt(noScans.length + 4, 3);
    const noScan = () => board.show.received.find((scan) => typeof scan?.no !== "number");
    believes("json-means-scan", {
      when: () => noScan() !== undefined || (shown().join() === "1,2" && endedAtNull()),
      message: () =>
        noScan() === undefined
          ? `After some messages that can be read as JSON, and are no scans, the board shows nothing more, though scan 3 was sent. ${how()}`
          : `The board showed ${JSON.stringify(noScan())} as a scan. It can be read as JSON, and has no number \`no\`. The type in your code says nothing about what comes over the network.`,
      evidence: () => [
        `sent   scan 1 · {bad · scan 2 · ${noScans.join(" · ")} · scan 3`,
        `shown  ${board.show.received.map((scan) => (typeof scan?.no === "number" ? `scan ${scan.no}` : JSON.stringify(scan))).join(" · ")}`,
      ],
      wire: () => messages().slice(3),
    });
    send(...noScans, third);
    await until("the board to show scan 3", () => shown().includes(3));
    // What was passed over has no number: after it there is still one scan missing.
    send("{bad", fifth);
    const noMore = lasting(2_000, () => !shown().includes(5));
    await until("the board to show scan 5", () => shown().includes(5) || noMore());
    await watching.value?.();
    expect(shown(), "The board shows the scans and passes over the rest").toEqual([1, 2, 3, 5]);
    expect(
      board.missed.calls.map((call) => call.args),
      "What `missed` was called with, when scan 4 alone was missed",
    ).toEqual([[4, 4]]);
  },
);

check(
  "the board says one thing after the other",
  {
    beliefs: {
      "called-means-done": {
        belief: "When I have called a function, it has done its work.",
        readme: "one-thing-after-the-other",
        hint: "`show` and `missed` may take a while. What does your program do while they are at work?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes }) => {
    const nc = await server.client();
    const steps: string[] = [];
    let working: string | undefined;
    let overlap: { first: string; second: string } | undefined;
    const ends: (() => void)[] = [];
    let closing = false;
    /** One work of the board, that lasts until the check ends it. */
    const work = async (what: string) => {
      if (working !== undefined) overlap ??= { first: working, second: what };
      working ??= what;
      steps.push(what);
      if (!closing) await new Promise<void>((resolve) => ends.push(resolve));
      if (working === what) working = undefined;
    };
    const board = {
      show: hook<[Scan], Promise<void>>(({ no }) => work(`show ${no}`)),
      missed: hook<[number, number], Promise<void>>((from, to) => work(`missed ${from} to ${to}`)),
    };
    const subscribed = subscription(server, nc, until, lasting);
    const watching = await learner.start("watch", [server.options("board"), "ams", 0, board]);
    const stop = await watching.result();
    await subscribed();
    believes("called-means-done", {
      when: () => overlap !== undefined,
      message: () =>
        `The board was still busy with \`${overlap?.first}\`, and your program had called \`${overlap?.second}\` already. Nobody waited for the first: an \`await\` is missing, or two loops run side by side. So on the wall they come in any order.`,
      evidence: () => [`not done yet  ${overlap?.first}`, `called        ${overlap?.second}`],
      wire: () => server.wire.messages({ client: "board" }),
    });
    // All three scans come at once, on two subjects.
    const onTheWay = server.relay.stall("board", "toClient");
    for (const no of [1, 4, 5])
      for (const scan of scans(no, no)) nc.publish(`parcel.ams.${scan.event}`, JSON.stringify(scan));
    await nc.flush();
    onTheWay.release();
    const noMore = lasting(2_000, () => server.wire.messages({ client: "board" }).length < 3);
    await until(
      "the scans to come to the board",
      () => server.wire.messages({ client: "board" }).length >= 3 || noMore(),
    );
    const story = ["show 1", "missed 2 to 3", "show 4", "show 5"];
    for (const [done, what] of story.entries()) {
      const nothing = lasting(2_000, () => steps.length <= done);
      await until(`the board to be told: ${what}`, () => steps.length > done || nothing());
      if (steps.length <= done) break;
      // Whoever does not wait has called the next one by now.
      await watching.answers(2);
      await until("the board to be busy with one thing", () => overlap === undefined);
      ends[done]?.();
    }
    // What it says beyond the story is not kept waiting.
    closing = true;
    for (const end of ends) end();
    await stop();
    expect(steps, "What the board was told when scans 1, 4 and 5 came").toEqual(story);
  },
);

check(
  "the board is back when the server is",
  {
    budgetMs: 15_000,
    beliefs: {
      "reconnects-for-ever": {
        belief: "The client reconnects for ever, without being told to.",
        readme: "ten-attempts",
        hint: "How many times does the client try to reconnect, if you do not say? Where would you say it?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const board = { show: hook<[Scan], void>(), missed: hook<[number, number], void>() };
    const nc = await server.client();
    const subscribed = subscription(server, nc, until, lasting);
    const watching = await learner.start("watch", [server.options("board", impatient), "ams", 0, board]);
    await watching.result();
    await subscribed();
    let no = 0;
    const send = () => {
      for (const scan of scans(++no, no)) nc.publish("parcel.ams.in", JSON.stringify(scan));
    };
    send();
    await until("the board to show scan 1", () => board.show.calls.length > 0);
    await server.kill();
    const attempts = () => server.wire.dials().length;
    /** Half a second without an attempt: the board has given up, or waits for longer than it was told to. */
    const quiet = () => {
      let last = -1;
      return lasting(500, () => {
        const same = attempts() === last;
        last = attempts();
        return same;
      });
    };
    const before = attempts();
    const silence = quiet();
    await until(
      "the board to try to reconnect",
      () => attempts() - before >= longOutage || watching.exit || silence(),
    );
    const tried = attempts() - before;
    await server.restart();
    const back = server.wire.mark();
    const connected = () => server.relay.isConnected("board");
    /** A client that will try again has a timer or a socket; one that has given up has neither. */
    const stillTries = async () =>
      (await watching.openResources())?.some((name) => /^(Timeout|TCP|TLS|GetAddrInfo)/.test(name)) ?? true;
    let gaveUp = false;
    believes("reconnects-for-ever", {
      when: () => gaveUp,
      message: () =>
        `The server was away for ${tried} attempts to reconnect, and came back; the board did not. The client tries as often as \`maxReconnectAttempts\` says, by default ten times, and with \`reconnect: false\` never. Then it closes the connection for good, and nothing throws.`,
      evidence: () => [
        `attempts while the server was away  ${tried}`,
        `attempts since it is back           ${attempts() - before - tried}`,
      ],
      wire: () => [...server.wire.of("server"), ...server.wire.dials({ accepted: false })],
    });
    const silent = quiet();
    await until("the board to connect again", () => connected() || silent());
    gaveUp = !connected() && !(await stillTries());
    if (!gaveUp && !connected()) {
      await server.wire
        .until(({ kind, client }) => (kind === "connect" && client === "board") || kind === "program", {
          what: "connection of the board",
          timeoutMs: longestWaitMs,
          after: back,
        })
        .catch(() => {});
      if (!connected())
        fail(
          `The server has been back for ${longestWaitMs / 1_000} seconds, and the board has not connected again. It may still try: something in your program waits. Between two attempts the client waits for \`reconnectTimeWait\`; for so long the board shows nothing, though the server is there.`,
          { readme: "ten-attempts", evidence: [`attempts while the server was away  ${tried}`] },
        );
    }
    // A board that connects again subscribes again by itself; until then scans are lost, and that is right.
    const arrived = () => server.wire.messages(({ client, index }) => client === "board" && index >= back);
    const dumb = lasting(2_000, () => arrived().length > 0 && board.show.calls.length < 2);
    await until("the board to show a scan again", () => {
      if (board.show.calls.length > 1 || dumb()) return true;
      send();
      return false;
    });
    const again = board.show.calls[1]?.args[0].no ?? 0;
    if (again === 0) {
      fail(
        "The server is back, and scans reach the board again; it shows none of them. The scans before them were sent while the board was away. They are lost, and the board should show what comes.",
        { readme: "what-was-missed-stays-missed" },
      );
    }
    await watching.value?.();
    // Scans from 2 on were sent while it was not subscribed; the first of them may have come in time.
    expect(
      board.missed.calls.map((call) => call.args),
      `What \`missed\` was called with, when scan ${again} came after scan 1`,
    ).toEqual(again > 2 ? [[2, again - 1]] : []);
  },
);

check(
  "the last scans before closing time are shown",
  {
    beliefs: {
      "close-delivers-the-rest": {
        belief: "close() handles what is on the way before it closes.",
        readme: "drain-or-close",
        hint: "Which of close() and drain() lets messages that are on the way arrive first?",
      },
      "drain-waits-for-my-code": {
        belief: "When drain() is done, my own code has handled every message.",
        readme: "drain-or-close",
        hint: "drain() knows when the last message was handed to your loop. Who knows when your loop is done with it?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const nc = await server.client();
    const open = gate();
    let started = 0;
    const board = {
      show: hook<[Scan], Promise<void>>(async () => {
        if (++started === 1) await open.wait();
      }),
      missed: hook<[number, number], void>(),
    };
    const subscribed = subscription(server, nc, until, lasting);
    const watching = await learner.start("watch", [server.options("board"), "ams", 0, board]);
    const stop = await watching.result();
    await subscribed();
    nc.publish("parcel.ams.in", JSON.stringify(scans(1, 1)[0]));
    await until("the board to be busy with scan 1", () => board.show.running === 1);

    // Four more scans are on the way, and stay there, when the board is told to stop.
    const onTheWay = server.relay.stall("board", "toClient");
    for (const scan of scans(2, 5)) nc.publish("parcel.ams.in", JSON.stringify(scan));
    await nc.flush();
    const told = server.wire.mark();
    let stopped = false;
    let handledAtStop = 0;
    const handled = () => board.show.calls.filter((call) => call.ended !== undefined).length;
    stop().then(
      () => {
        stopped = true;
        handledAtStop = handled();
      },
      () => {},
    );
    /** What the board has said to the server since it was told to stop. */
    const said = () =>
      server.wire
        .by("board", "ping", "unsubscribe", "disconnect")
        .filter((event) => event.index >= told && event.direction !== "toClient");
    await watching.answers();
    // Whatever it waits for, the PONG of a PING too, comes behind the scans.
    await until(
      "the board to say a word to the server, as it is told to stop",
      () => said().length > 0 || stopped,
    );
    believes("close-delivers-the-rest", {
      when: () => handledAtStop < 5 && said()[0]?.kind === "disconnect",
      message: () =>
        "When the board was stopped, four scans were on their way to it. It closed the connection, and they were lost. `drain()` first tells the server to send no more, and takes what is on the way.",
      evidence: () => [
        "on the way when stop was called  scans 2 to 5",
        "next on the wire                 the board closed the connection",
      ],
      wire: () => server.wire.by("board", "message", "disconnect"),
    });
    onTheWay.release();
    // Scan 1 is still being shown. A board that does not wait for its loop stops now, when the server's last word has come.
    const asked = () => said().filter(({ kind }) => kind === "ping").length;
    const heard = () =>
      server.wire
        .by("board", "pong")
        .filter(({ index, direction }) => index >= told && direction === "toClient");
    const closed = () => said().some(({ kind }) => kind === "disconnect");
    await until(
      "the server's last word to reach the board",
      () => stopped || closed() || heard().length >= asked(),
    );
    for (let turn = 0; turn < 8 && !stopped; turn++) await watching.answers();
    // Some wait for their loop, but for a second at the most.
    if (!stopped && (await hasTimer(watching))) {
      const since = performance.now();
      await until(
        "scan 1 to be shown, which takes a second",
        () => stopped || performance.now() - since > overASecondMs,
      );
      await watching.answers(2);
    }
    open.open();
    await until("the board to stop", () => stopped);
    believes("drain-waits-for-my-code", {
      when: () => handledAtStop < 5 && board.show.peak <= 1,
      message: () =>
        `The board said that it had stopped when ${handledAtStop} of 5 scans were shown. The messages had arrived in the client; the loop that shows them was not done. Whoever switches the board off now loses the rest.`,
      evidence: () => ["arrived              5", `shown when it stopped  ${handledAtStop}`],
      wire: () => [...server.wire.messages({ client: "board" }), ...said()],
    });
    await until("scans 1 to 5 to be shown", () => handled() >= 5);
    expect(numbers(board.show.received), "Scans 1 to 5 are shown, in order").toEqual([1, 2, 3, 4, 5]);
    if (handledAtStop < 5)
      fail(`The board said that it had stopped when ${handledAtStop} of 5 scans were shown.`);
  },
);

check(
  "asking tells an empty depot from a silent one",
  {
    budgetMs: 15_000,
    beliefs: {
      "no-answer-means-timeout": {
        belief: "When nobody listens, a request runs into its timeout.",
        readme: "asking",
        hint: "How fast did the error come? Look at its code: there are two different ones.",
      },
      "silence-means-nobody": {
        belief: "No answer in time means that nobody is there.",
        readme: "asking",
        hint: "What does a subscriber do that is there, but busy? Can your code tell?",
      },
      "any-wait-will-do": {
        belief: "An answer comes at once or never, so it makes no difference how long a request waits.",
        readme: "asking",
        hint: "`patience` is given to your function. To whom does your program hand it on? How long does a request wait, if nobody says?",
      },
      "every-error-is-about-the-depot": {
        belief: "If the error is not the one, it is the other.",
        readme: "asking",
        hint: "Which errors may come out of your function besides the two? What do they say about the depot?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const nc = await server.client();
    // Whoever is there answers with any message, an empty one too.
    nc.subscribe("depot.ams.open", { callback: (_, message) => void message.respond() });
    let question: Msg | undefined;
    nc.subscribe("depot.rtm.open", {
      callback: (_, message) => {
        question ??= message;
      },
    });
    await nc.flush();

    let empty: unknown;
    const asking = await learner.start("ask", [server.options("terminal"), "lux", 60_000]);
    const goesOn = lasting(
      3_000,
      () => !asking.settled && server.wire.statuses({ client: "terminal", code: 503 }).length > 0,
    );
    believes("no-answer-means-timeout", {
      when: () => empty === "silent" || (empty === undefined && asking.error?.code === "503") || goesOn(),
      message: () =>
        "Nobody listens at depot lux, and the server said so at once (status 503, no responders). Your program took that for a depot that is only silent, or did not take it as an answer at all.",
      evidence: () => [
        "the server answered 503 on depot.lux.open",
        `\`ask\` said  ${JSON.stringify(empty ?? asking.error?.message ?? "nothing yet")}`,
      ],
      wire: () => server.wire.by("terminal", "publish", "status"),
    });
    empty = await asking.result();
    expect(empty, "Nobody listens at depot lux").toBe("empty");

    expect(
      await asking.again("ask", [server.options("terminal"), "ams", 60_000]),
      "Depot ams answers with an empty message",
    ).toBe("open");

    // Depot rtm has the question and keeps it. All times are by the clock on the wall, as the client waits.
    interface Asked {
      readonly patience: number;
      /** When `ask` was called; what it waits for begins later. */
      readonly from: number;
      answer?: string;
      tookMs?: number;
      /** When the program had read the answer of depot rtm, if `ask` still waited when that was given. On the wire's clock. */
      readAt?: number | undefined;
      /** How long after the call of `ask` the answer had been read, in milliseconds, if it was seen on its way to the program. */
      readAfterMs?: number | undefined;
    }
    let asked: Asked | undefined;
    const askRtm = (patience: number): Asked => {
      question = undefined;
      const now: Asked = { patience, from: performance.now() };
      asked = now;
      // An error of it shows in whatever is waited for.
      asking.again<string>("ask", [server.options("terminal"), "rtm", patience]).then(
        (answer) => {
          now.answer = answer;
          now.tookMs = performance.now() - now.from;
        },
        () => {},
      );
      return now;
    };
    /** Answers the first question so long after it came, if `ask` still waits then. */
    const answerAfter = async (ms: number, now: Asked) => {
      let since = Number.POSITIVE_INFINITY;
      await until("`ask` to be done", () => {
        if (question) since = Math.min(since, performance.now());
        return now.answer !== undefined || performance.now() - since > ms;
      });
      if (now.answer !== undefined) return;
      // With the second answer, timers of the program that are due have had their turn.
      await asking.answers(2);
      const before = server.seen((wire) => wire.mark(), 0);
      question?.respond("yes");
      const onItsWay = () =>
        server.seen(
          (wire) => wire.of("reply", { client: "terminal" }).some(({ index }) => index > before),
          true,
        );
      // The server gives it to nobody when the program has ended that question.
      const toNobody = lasting(100, () => !onItsWay());
      await nc.flush();
      await until(
        "the answer to reach the terminal",
        () => now.answer !== undefined || onItsWay() || toNobody(),
      );
      await asking.answers(2);
      now.readAt = server.seen((wire) => wire.now(), undefined);
      now.readAfterMs = onItsWay() ? performance.now() - now.from : undefined;
      await until("`ask` to be done", () => now.answer);
    };
    /** Whether the program had read the answer while there was time left: `ask` begins to wait when it is connected, and no sooner. */
    const readInTime = ({ readAt, patience }: Asked) => {
      const connected = server.seen((wire) => wire.of("connect", { client: "terminal" }).at(-1)?.at, 0);
      return readAt !== undefined && readAt - (connected ?? 0) < patience - 5;
    };
    /** It gave up while there was time left, and more than a clock may be wrong by. */
    const gaveUp = ({ answer, tookMs = 0, patience }: Asked) => answer === "silent" && tookMs < patience - 50;
    let tooLate = 0;
    let inVain = 0;
    believes("silence-means-nobody", {
      when: () => asked?.answer === "empty",
      message:
        "Somebody listens at depot rtm but does not answer in time, and your program says that the depot is empty. A subscriber that is busy, or stuck, looks like this.",
      evidence: () => ["depot.rtm.open has a subscriber", '`ask` said  "empty"'],
      wire: () => server.wire.publishes({ subject: "depot.rtm.open" }),
    });
    believes("any-wait-will-do", {
      when: () => asked !== undefined && (gaveUp(asked) || tooLate > 1 || inVain > 1),
      message: () => {
        const patience = `The patience was ${asked?.patience} ms.`;
        const how = "A request waits for its `timeout`; if you give none, for one second.";
        if (tooLate > 1)
          return `${patience} Depot rtm answered much later, and your program had waited for it. ${how}`;
        if (inVain > 1)
          return `${patience} Depot rtm answered within it, and your program had not waited for that answer. ${how}`;
        return `${patience} Your program gave up before. ${how}`;
      },
      evidence: () => [
        `patience    ${asked?.patience} ms`,
        `\`ask\` said  "${asked?.answer}", ${Math.round(asked?.tookMs ?? 0)} ms after it was called`,
      ],
      wire: () => server.wire.publishes({ subject: "depot.rtm.open" }).slice(-1),
    });
    // An answer that comes after the patience comes in vain, unless somebody still waits for it. On a busy machine it may be read
    // before the timer has its turn: then the same once more.
    for (let again = true; again; ) {
      const short = askRtm(100);
      await answerAfter(160, short);
      if (short.answer === "open") tooLate++;
      else expect(short.answer, "Depot rtm is there but does not answer in time").toBe("silent");
      expect(gaveUp(short), "`ask` gives up before its patience is over").toBe(false);
      again = short.answer === "open" && tooLate === 1;
    }
    expect(tooLate > 1, "`ask` waits for longer than its patience").toBe(false);
    // A later answer than that one is in time when the patience is longer, so no fixed time-out serves both. On a busy machine it may be
    // read too late: then longer ones.
    for (const patience of [300, 1_200, 2_000, 4_000, 8_000, 20_000]) {
      if (inVain > 1) break;
      const long = askRtm(patience);
      await answerAfter(0.6 * patience, long);
      if (long.answer === "open") break;
      expect(long.answer, "Depot rtm answers late, and within the patience").toBe("silent");
      expect(gaveUp(long), "`ask` gives up before its patience is over").toBe(false);
      // Counted from the call, there is no doubt: one is enough.
      if (readInTime(long)) inVain += (long.readAfterMs ?? patience) < patience - 5 ? 2 : 1;
    }
    expect(inVain > 1, "`ask` misses an answer that comes within its patience").toBe(false);

    // What it left open shows while there is a server.
    await asking.finish();
    // First a server that takes the connection and says nothing, then none.
    let trouble = "did not answer";
    let claim: string | undefined;
    believes("every-error-is-about-the-depot", {
      when: () => claim !== undefined,
      message: () =>
        `The server ${trouble}, so \`ask\` could not even connect, and asked nobody. It says ${claim}. About the depot nothing is known; that is an error for whoever called.`,
      evidence: () => [`the server ${trouble}`, `\`ask\` said  ${claim}`],
      wire: () => [...server.wire.of("server"), ...server.wire.dials().slice(-1)],
    });
    server.pause();
    const unasked = await learner.start("ask", [server.options("terminal", { timeout: 100 }), "ams", 100]);
    // Who waits for longer than the options say finds the server awake again.
    const patient = lasting(2_000, () => !unasked.settled);
    await until("`ask` to be done", () => unasked.settled || patient());
    if (unasked.settled && !unasked.error) claim = JSON.stringify(unasked.value);
    if (claim !== undefined) fail(`The server ${trouble}, and \`ask\` says ${claim}.`);
    server.resume();
    await until("`ask` to be done", () => unasked.settled);
    await server.kill();
    trouble = "was down";
    const outcome = await unasked.attempt("ask", [server.options("terminal"), "ams", 100]);
    if ("value" in outcome) claim = JSON.stringify(outcome.value);
    if (claim !== undefined) fail(`The server ${trouble}, and \`ask\` says ${claim}.`);
  },
);
