// Lesson 06: how many parcels customs has at once, how fast labels come to a printer, and how many scans of an upload are on the way.
import { type ConsumerConfig, RetentionPolicy, type StreamConfig } from "nats";
import {
  type CheckServer,
  exercise,
  expect,
  Finding,
  gate,
  hook,
  type LearnerProgram,
  settingLine,
  wireLine,
} from "../../checker/kit/index.ts";
import type { Parcel, Scan } from "./exercise.ts";

const { check } = exercise<typeof import("./exercise.ts")>();

/** How many parcels customs looks at at once. */
const places = 4;

/** The depot: a work queue, and a stream for what customs refuses. */
async function openDepot(server: CheckServer, parcels: number) {
  const manager = await server.manager();
  const jetstream = await server.jetstream();
  await manager.streams.add({
    name: "PARCELS",
    subjects: ["parcel.>"],
    retention: RetentionPolicy.Workqueue,
  });
  await manager.streams.add({ name: "REFUSED", subjects: ["refused.>"] });
  const all = Array.from({ length: parcels }, (_, i): Parcel => ({ id: `P-${i + 1}`, value: 100 * (i + 1) }));
  for (const parcel of all) await jetstream.publish("parcel.ams.declare", JSON.stringify(parcel));
  const messages = async (stream: string) => (await manager.streams.info(stream)).state.messages;
  return {
    manager,
    ids: all.map((parcel) => parcel.id),
    refused: () => messages("REFUSED"),
    empty: async () => (await messages("PARCELS")) === 0,
  };
}

const ids = (list: readonly Parcel[]) => list.map((each) => each.id);

/** Sorted by their numbers. */
const inOrder = (list: readonly string[]) => list.toSorted((a, b) => Number(a.slice(2)) - Number(b.slice(2)));

/** Which parcel an event is about. */
const idOf = ({ text }: { text: string | undefined }) => /"id":"([^"]+)"/.exec(text ?? "")?.[1] ?? "?";

type Until = <T>(what: string, condition: () => T | Promise<T>) => Promise<NonNullable<T>>;

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

check(
  "customs never has more than four parcels, however many workers there are",
  {
    budgetMs: 6_000,
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
    },
  },
  async ({ server, learner, until, lasting, believes }) => {
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
    believes("limit-per-worker", {
      // The whole story is to be seen: all workers are there, and have taken what they can.
      when: () => taken && declare.running > places && answers() <= done(),
      message: () =>
        `Customs has ${declare.running} parcels at once; it has ${places} places, for all of our workers together. ${started.length > 1 ? "Each worker may keep to a limit, but none knows what the others do." : "One worker alone takes more than that."}`,
      evidence: async () => [
        ...perWorker(),
        `at customs now  ${declare.running}`,
        `consumer \`customs\`: max_ack_pending ${(await depot.manager.consumers.info("PARCELS", "customs")).config.max_ack_pending}`,
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
    await wait("the workers to take what they can", still);
    taken = true;
    if (declare.running > places) {
      const text = `customs has ${declare.running} parcels at once, and ${places} places`;
      server.wire.note({ kind: "note", text });
    }
    await wait("customs to have no more than it can take", () => declare.running <= places);
    door.open();
    await wait("all parcels to be declared", depot.empty);
    await wait("customs to be done", () => declare.running === 0);
    expect(declare.peak, "The most parcels that customs had at once").toBeLessThanOrEqual(places);
    expect(inOrder(ids(declare.received)), "Each parcel is declared once").toEqual(depot.ids);
    for (const worker of started) await worker.kill();
  },
);

check(
  "customs is kept busy",
  {
    budgetMs: 6_000,
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
  async ({ server, learner, until, lasting, believes }) => {
    const depot = await openDepot(server, 10);
    const slow = gate();
    const quick = gate();
    const rest = gate();
    const declare = hook<[Parcel], Promise<void>>(({ id }) =>
      id === "P-1" ? slow.wait() : ["P-2", "P-3", "P-4"].includes(id) ? quick.wait() : rest.wait(),
    );
    const day = new AbortController();
    const worker = await learner.start(
      "runCustoms",
      [server.connection("worker"), { places, declare }, day.signal],
      { name: "worker" },
    );
    const done = () => declare.calls.filter((call) => call.ended !== undefined).length;
    const waiting = () => 10 - declare.calls.length;
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
      when: lasting(1_000, () => done() >= 3 && declare.running === 1 && waiting() > 0),
      message: () =>
        `Customs has cleared three parcels, and has one that takes long. Three places are free, ${waiting()} parcels wait, and the worker declares none of them: it waits for the slow one.`,
      evidence: () => [
        `cleared      ${done()}`,
        `at customs   ${declare.running}`,
        `free places  ${places - declare.running}`,
        `waiting      ${waiting()}`,
      ],
      wire: () => server.wire.by("worker", "ack", "pull").slice(-4),
    });
    const wait = whileAtWork(until, worker);
    await wait("all places of customs to be taken", () => declare.running >= places);
    quick.open();
    await wait("the free places to be taken again", () => done() === 3 && declare.running >= places);
    rest.open();
    await wait("the quick parcels to be cleared", () => done() === 9);
    // The worker is told to stop while customs still has one parcel.
    day.abort();
    await worker.answers();
    if (worker.settled) {
      await worker.result();
      throw new Finding({
        message: "`runCustoms` was done, though customs still had a parcel of this worker.",
      });
    }
    slow.open();
    await until("the worker to stop", () => worker.settled);
    await worker.result();
    await until("all parcels to leave the work queue", depot.empty);
    expect(inOrder(ids(declare.received)), "Each parcel is declared once").toEqual(depot.ids);
  },
);

check(
  "a refused parcel gives its place back",
  {
    beliefs: {
      "silence-frees-the-place": {
        belief: "When a job has failed, its place is free.",
        readme: "no-answer-keeps-the-place",
        hint: "Customs is done with the parcel. Who else counts places, and what does it know?",
      },
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
    },
  },
  async ({ server, learner, until, lasting, believes }) => {
    const depot = await openDepot(server, 6);
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
    const naks = () => server.wire.naks();
    const finals = () => [...server.wire.acks(), ...server.wire.terms()];
    const stuck = () => declare.calls.length === places && declare.running === 0 && finals().length === 0;
    believes("nak-puts-it-at-the-end", {
      when: () => naks().length > 0 && ids(declare.received).some((id) => timesOf(id) >= 3),
      message: () =>
        `Customs refused ${ids(declare.received).find((id) => timesOf(id) >= 3)}, and your program declares it again and again: the server gives it back at once, before the parcels that wait. Meanwhile good parcels do not get a place.`,
      evidence: () => [
        ...depot.ids.map((id) => `${id}  declared ${timesOf(id)} times`),
        ...naks()
          .slice(0, 1)
          .map((nak) => wireLine(nak, `nak of ${idOf(nak)}, without a delay`)),
      ],
    });
    believes("nak-frees-the-place", {
      when: lasting(800, () => stuck() && naks().length > 0),
      message: () =>
        `Customs refused four parcels, and your program answered with a nak and a delay. Two good parcels wait, but the server sends none. Until the delay is over it counts the four as given away, and so all ${places} places as taken.`,
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
        `Customs refused four parcels, and the server has heard nothing about them. To the server they are still being worked on, so all ${places} places are taken, and two good parcels wait.`,
      evidence: async () => [
        `refused by customs           ${declare.calls.length}`,
        "ack, nak or term on the wire  none",
        `num_ack_pending              ${(await depot.manager.consumers.info("PARCELS", "customs")).num_ack_pending}`,
      ],
      wire: () => server.wire.deliveries({ client: "worker" }),
    });
    const wait = whileAtWork(until, worker);
    await wait("the good parcels to be declared", () => good.every((id) => timesOf(id) > 0));
    await wait("all parcels to leave the work queue", depot.empty);
    expect(await depot.refused(), "Parcels in the stream REFUSED").toBe(4);
    expect(inOrder(ids(declare.received)), "Each parcel is declared once").toEqual(depot.ids);
    await worker.kill();
  },
);

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
    },
  },
  async ({ server, learner, until, lasting, believes }) => {
    const largestLabel = 1_000;
    const bytesPerSecond = 25_000;
    const count = 10;
    const setup = await learner.start("openPrinter", [
      server.connection("setup"),
      { subject: "printer.ams", bytesPerSecond, largestLabel },
    ]);
    let stream: StreamConfig | undefined;
    let consumer: ConsumerConfig | undefined;
    const arrivals: number[] = [];
    let listening = false;
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
    believes("rate-on-pull", {
      when: () =>
        (setup.error as { api_error?: { err_code?: number } } | undefined)?.api_error?.err_code === 10086,
      message:
        "The server did not make the consumer: a pull consumer cannot have a rate limit. There the client decides when it asks; the printer asks for nothing.",
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
        `The consumer sends the labels as fast as the network takes them. The printer takes ${bytesPerSecond} bytes a second, and has room for one label; it loses the rest.`,
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
      when: lasting(1_000, () => listening && arrivals.length === 0 && rate() > 0 && burst() >= largestLabel),
      message: () =>
        `The printer listens, and no label comes. A label of ${largestLabel} bytes goes over the line with its subjects, and with them it is larger than the burst of ${burst()} bytes. The limiter waits for a moment that never comes.`,
      evidence: () => [...stored(), printed()],
      wire: () => server.wire.by("printer", "subscribe", "delivery"),
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
    const nc = await server.connect("printer", { recorded: true });
    const jetstream = await server.jetstream();
    const label = new Uint8Array(largestLabel).fill(46);
    await Promise.all(Array.from({ length: count }, () => jetstream.publish("label.ams.print", label)));
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
    // What has arrived by now, less what the printer has room for, has had its time on the line. Two labels: one in print, one waiting.
    const tooEarly = arrivals.filter(
      (at, i) => (i + 1) * largestLabel > (at * bytesPerSecond) / 1_000 + 2.5 * largestLabel,
    );
    expect(tooEarly.length, "Labels that came before the printer had room for them").toBe(0);
    expect(arrivals.length, "Labels at the printer").toBe(count);
    expect(rate(), "The rate of the consumer, in bits a second").toBe(bytesPerSecond * 8);
  },
);

/** Scans number 1 to `count`. */
const scans = (count: number): Scan[] =>
  Array.from({ length: count }, (_, i) => ({ no: i + 1, parcel: `P-${i + 1}` }));

/** The numbers of all scans that the stream has, sorted. */
async function storedScans(server: CheckServer): Promise<number[]> {
  const manager = await server.manager();
  const { state } = await manager.streams.info("SCANS");
  const numbers: number[] = [];
  if (state.messages === 0) return numbers;
  for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
    numbers.push((await manager.streams.getMessage("SCANS", { seq })).json<Scan>().no);
  }
  return numbers.sort((a, b) => a - b);
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
        readme: "one-by-one-wastes-the-way",
        hint: "What does your program do while an answer is on its way? How many answers could it wait for at once?",
      },
      "window-in-steps": {
        belief: "A window is a batch: send so many, wait for all of them, send the next.",
        readme: "a-window-slides",
        hint: "All answers but one are there. How many scans are on the way now, and how many could be?",
      },
    },
  },
  async ({ server, learner, until, lasting, believes }) => {
    const manager = await server.manager();
    await manager.streams.add({ name: "SCANS", subjects: ["scan.>"] });
    const window = 5;
    const all = scans(20);
    const aboutScans = (event: { kind: string; subject?: string }) =>
      event.kind === "puback" && event.subject?.startsWith("scan.") === true;
    const first = server.relay.hold(aboutScans, { who: "upload", limit: 1, what: "one PubAck" });
    const others = server.relay.hold(aboutScans, { who: "upload", what: "the other PubAcks" });
    let step: "all held" | "one held" | "free" = "all held";
    const program = await learner.start("upload", [server.connection("upload"), "ams", all, window]);
    const sent = () => server.wire.publishes((event) => event.subject.startsWith("scan.")).length;
    const answered = () => {
      const answers = server.wire.pubAcks({ client: "upload" }).length;
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
    believes("all-at-once", {
      when: () => onTheWay() > window,
      message: () =>
        `${onTheWay()} scans are on the way; the window is ${window}. Nothing made your program wait: publish takes whatever it is given, and keeps it in memory.`,
      evidence: seen,
      wire: () => traffic(),
    });
    believes("one-by-one", {
      when: lasting(800, () => step === "all held" && sent() === 1),
      message: `One scan is on the way; the window is ${window}. Your program waits for its answer before it sends the next, so most of its time it waits for the network.`,
      evidence: seen,
      wire: () => traffic(),
    });
    believes("window-in-steps", {
      when: lasting(1_000, () => step === "one held" && sent() < all.length && onTheWay() < window),
      message: () =>
        `All answers but one have arrived. ${onTheWay() === 1 ? "One scan is" : `${onTheWay()} scans are`} on the way, the window is ${window}, and your program waits for the last answer before it goes on. One slow answer holds everything up.`,
      evidence: seen,
      wire: () => traffic(),
    });
    const wait = whileAtWork(until, program);
    await wait("the window to be full", () => sent() >= window);
    await program.answers();
    await wait("the window to be no fuller", () => onTheWay() <= window);
    step = "one held";
    others.release();
    await wait("the other scans to be sent", () => sent() >= all.length);
    step = "free";
    first.release();
    await program.result();
    expect(await storedScans(server), "Scans in the stream").toEqual(all.map((scan) => scan.no));
  },
);

check(
  "a server that is busy gets everything in the end",
  {
    needsServer: "2.11.0",
    server: { jetstreamConfig: "max_buffered_msgs: 2" },
    beliefs: {
      "busy-means-lost": {
        belief: "An error from the server means that the message cannot be stored.",
        readme: "busy-is-not-lost",
        hint: "Read the error's words and its number. Would the same scan be refused again in a moment?",
      },
    },
  },
  async ({ server, learner, until, believes }) => {
    const manager = await server.manager();
    await manager.streams.add({ name: "SCANS", subjects: ["scan.>"] });
    const all = scans(60);
    const program = await learner.start("upload", [server.connection("upload"), "ams", all, 30]);
    const refused = () => server.wire.pubAcks({ errCode: 10167 });
    let stored: number[] | undefined;
    believes("busy-means-lost", {
      when: () =>
        refused().length > 0 &&
        (program.error?.code === "429" ||
          (program.error as { api_error?: { code?: number } } | undefined)?.api_error?.code === 429 ||
          (stored !== undefined && new Set(stored).size < all.length)),
      message: () =>
        `The server was busy and refused scans with the error 429. ${program.error ? "Your program gave up" : `Your program was done, and ${all.length - new Set(stored).size} of ${all.length} scans are not in the stream`}. The server said "not now"; it did not say "never".`,
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
    await until("`upload` to be done", () => program.settled);
    stored = await storedScans(server);
    await program.result();
    expect(stored, "Scans in the stream").toEqual(all.map((scan) => scan.no));
  },
);
