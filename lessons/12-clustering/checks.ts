// Lesson 12: which streams outlive a node, what is stored while leaders come and go, and how a worker finds its way back.
import type { JetStreamManager, NatsError, StreamInfo } from "nats";
import {
  type CheckCluster,
  type CheckServer,
  type EventOf,
  exercise,
  type Fail,
  gate,
  hook,
  type LearnerProgram,
  pace,
  settingLine,
  subjectMatches,
  type Until,
  type WireEvent,
  wireLine,
} from "../../checker/kit/index.ts";
import type { Scan } from "./exercise.ts";

const { check } = exercise<typeof import("./exercise.ts")>();

/** Milliseconds that the scanners wait for an answer. */
const patience = 300;
/** So long that an answer is in time on a busy machine, too. */
const longPatience = 2_000;
/** Tried on 2.14.5 and 2.15.2. With 2.9.10 the checks in a cluster do not end within two minutes. */
const clusters = "2.14.0";
const inProcess = 10158;
const streamFull = 10077;
const noSuchMessage = 10037;
/** It remembers ids for longer than a check can take, however slow the machine is. */
const scansStream = {
  name: "SCANS",
  subjects: ["parcel.*.*"],
  num_replicas: 3,
  duplicate_window: 24 * 3_600_000_000_000,
};

/** Whoever waits so long for a server's first word does not go on within the ten seconds that are promised; the client's default is 20 s. */
const tooLongForAWordMs = 15_000;
/** Less than the 50 milliseconds that are promised, by what a timer may be early. */
const shortRestMs = 45;

/** Two scans are of one parcel: only their ids differ. */
const scanNo = (no: number): Scan => ({
  id: `S-7/${no}`,
  depot: "ams",
  event: "in",
  parcel: `P-${Math.ceil(no / 2)}`,
});
/** Scans number `from` to `to`. */
const scans = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => scanNo(from + i));
const subjectOf = ({ depot, event }: Scan) => `parcel.${depot}.${event}`;
const inWords = (value: unknown) => JSON.stringify(value) ?? "undefined";

/** A replicated stream, of which every node has all. */
async function replicated(cluster: CheckCluster, until: Until): Promise<void> {
  await until("the hub to make the stream", () =>
    ask(cluster.nodes[0], ({ streams }) => streams.add(scansStream)),
  );
  await until("the hub to have made its copies", async () => {
    const info = await ask(cluster.nodes[0], ({ streams }) => streams.info("SCANS"));
    return info && allCurrent(info);
  });
}

/** Each of three nodes has all that a stream holds. One that was never heard may be called current. */
const allCurrent = ({ cluster }: StreamInfo) =>
  cluster?.leader !== undefined &&
  cluster.replicas?.length === 2 &&
  cluster.replicas.every(({ current, active }) => current && active > 0);

/** Nodes and their state, as a line of evidence. */
const copiesLine = ({ cluster }: StreamInfo) =>
  `copies      ${[
    ...(cluster?.leader ? [`${cluster.leader} leads`] : []),
    ...(cluster?.replicas ?? []).map(
      ({ name, current, active }) => `${name} ${current && active > 0 ? "has all" : "has not all"}`,
    ),
  ].join(", ")}`;

/** The node that leads SCANS, as soon as one does. */
const leaderOf = (cluster: CheckCluster, until: Until) =>
  until("the stream to have a leader", () => cluster.leaderOf("SCANS"));

/** Stores a scan by the check's own hand, as soon as a leader takes it. */
async function put(by: CheckServer, scan: Scan, until: Until, onRefused = () => {}): Promise<void> {
  const js = (await by.client()).jetstream({ timeout: 1_000 });
  await until(`the hub to store a scan on ${subjectOf(scan)}`, async () => {
    try {
      return await js.publish(subjectOf(scan), JSON.stringify(scan), { msgID: scan.id });
    } catch {
      onRefused();
      return undefined;
    }
  });
}

/** What the hub answers; undefined when it does not, because nobody leads for a moment. */
async function ask<T>(
  by: CheckServer,
  question: (manager: JetStreamManager) => Promise<T>,
): Promise<T | undefined> {
  const nc = await by.client();
  try {
    return await question(await nc.jetstreamManager({ timeout: 2_000 * pace(), checkAPI: false }));
  } catch {
    return undefined;
  }
}

interface Stored {
  readonly seq: number;
  readonly subject: string;
  readonly text: string;
}

/** What the stream holds, in its order. */
const stored = (by: CheckServer, until: Until): Promise<Stored[]> =>
  until("the stream to tell what it has", () =>
    ask(by, async ({ streams }) => {
      const { first_seq, last_seq } = (await streams.info("SCANS")).state;
      const messages: Stored[] = [];
      for (let seq = first_seq; seq <= last_seq; seq++) {
        const message = await streams.getMessage("SCANS", { seq }).catch((error: NatsError) => {
          if (error.api_error?.err_code !== noSuchMessage) throw error;
        });
        if (message) messages.push({ seq, subject: message.subject, text: message.string() });
      }
      return messages;
    }),
  );

/** The scan that a payload is; undefined when it is something else. */
function scanIn(text = ""): Scan | undefined {
  try {
    const scan = JSON.parse(text);
    return ["id", "depot", "event", "parcel"].every((key) => typeof scan[key] === "string")
      ? scan
      : undefined;
  } catch {
    return undefined;
  }
}

/** A payload must be a scan. */
function mustBeScan(text: string | undefined, fail: Fail): void {
  if (!scanIn(text))
    fail(
      `The payload should be the scan as JSON, ${inWords(scanNo(1))}. \`store\` published ${inWords(text)}.`,
    );
}

/** `store` returns for each scan the sequence under which the stream has it, and the stream has each of them once. */
function eachOnce(
  value: unknown,
  wanted: readonly Scan[],
  messages: readonly Stored[],
  fail: Fail,
  answers: (scan: Scan) => readonly EventOf<"puback">[] = () => [],
): void {
  for (const { text } of messages) mustBeScan(text, fail);
  const right = wanted.map((scan) => {
    const { id, ...what } = scan;
    const same = messages.filter(({ text }) => scanIn(text)?.id === id);
    const [first] = same;
    if (!first || same.length > 1)
      return fail(
        `Each scan should be in the stream once. Scan ${id} is in it ${same.length} times: ${inWords(messages.map(({ text }) => scanIn(text)?.id))}.`,
      );
    if (first.subject !== subjectOf(scan))
      fail(
        `Scan ${id} is of the depot ${scan.depot}, and the event is "${scan.event}". Its subject should be ${subjectOf(scan)}. It was ${first.subject}.`,
      );
    const { id: _, ...kept } = scanIn(first.text) ?? {};
    if (!Object.entries(what).every(([key, is]) => kept[key as keyof typeof kept] === is))
      fail(`The stream should have the scan as it was, ${inWords(scan)}. It has ${first.text}.`);
    return first.seq;
  });
  if (inWords(value) !== inWords(right))
    fail(
      `\`store\` should have returned ${inWords(right)}, for each scan the sequence under which the stream has it. It returned ${inWords(value).slice(0, 80)}.`,
      { evidence: wanted.flatMap((scan) => answers(scan).map((event) => wireLine(event))) },
    );
}

/** What a program sent of one scan. */
const tries = ({ wire }: CheckServer, client: string, { id }: Scan) =>
  wire.publishes(({ client: by, text }) => by === client && text?.includes(`"${id}"`) === true);
/** Each payload that a program sent is a scan. */
const sentScans = ({ wire }: CheckServer, client: string, fail: Fail) => {
  for (const { text } of wire.publishes(
    ({ client: by, subject }) => by === client && subject.startsWith("parcel."),
  ))
    mustBeScan(text, fail);
};
/** What the stream answered, also what was lost on the way. */
const pubAcks = ({ wire }: CheckServer, client: string, { id }: Scan) =>
  wire.pubAcks(({ client: by, text }) => by === client && text?.includes(`"${id}"`) === true);
/** The server's word that nobody is there, in answer to these. */
const nobodyThere = ({ wire }: CheckServer, sent: readonly WireEvent[]) =>
  wire.statuses(({ code, request }) => code === 503 && sent.some(({ index }) => index === request));

/** Milliseconds from each answer to the next try. */
function restsAfter(
  sends: readonly WireEvent[],
  answers: readonly (WireEvent & { publish?: number; request?: number | undefined })[],
): number[] {
  return answers.flatMap(({ at, publish, request }) => {
    const asked = sends.findIndex(({ index }) => index === (publish ?? request));
    const next = asked < 0 ? undefined : sends[asked + 1];
    return next ? [next.at - at] : [];
  });
}

function gaveUpTooSoon(value: unknown, fail: Fail): never {
  fail(`The hub cannot store anything now, and \`store\` has returned ${inWords(value)}.`);
}

const errorOf = (program: LearnerProgram<unknown> | undefined) =>
  program?.error as (NatsError & { api_error?: { err_code: number } }) | undefined;

check(
  "a new stream has all its scans when a node is gone",
  {
    cluster: true,
    needsServer: clusters,
    budgetMs: 30_000,
    beliefs: {
      "a-cluster-copies-all": {
        belief: "A cluster keeps copies of everything.",
        readme: "a-cluster-keeps-copies-by-itself",
        hint: "On how many nodes is your stream? Ask the server for the stream's info, and look at `num_replicas`.",
      },
      "two-copies-are-enough": {
        belief: "With two copies, one node may be lost.",
        readme: "two-copies-are-enough",
        hint: "How many of two make a majority? And how many of three?",
      },
      "copies-instead-of-a-disk": {
        belief: "With three copies, memory is as good as a disk.",
        readme: "copies-instead-of-a-disk",
        hint: "What do the three nodes have in common, when the power of the whole hub is gone?",
      },
    },
  },
  async ({ cluster, server, learner, until, believes, fail }) => {
    const creating = await learner.start("createScans", [cluster.connection("office")]);
    await creating.result();
    const told = await until("the hub to tell of the stream", () =>
      ask(server, ({ streams }) =>
        streams.info("SCANS").catch((error: NatsError) => {
          if (error.api_error?.code === 404) return error;
          throw error;
        }),
      ),
    );
    const { config } =
      told instanceof Error
        ? fail(`\`createScans\` has returned, and the server says of the stream SCANS: ${told.message}.`)
        : told;
    const { num_replicas: copies, storage } = config;
    let refused = 0;
    const created = (setting: string) => [
      ...server.wire
        .of("api", { client: "office" })
        .filter(({ call }) => /^STREAM\.(CREATE|UPDATE)/.test(call))
        .slice(-1)
        .map((event) => settingLine(event, setting)),
    ];
    believes("copies-instead-of-a-disk", {
      when: () => storage === "memory",
      message:
        "The stream SCANS keeps its scans in the memory of the nodes. That survives the loss of one. When the power of the whole hub is gone, all copies are gone with it. Scans are to be on disks.",
      evidence: () => created("storage"),
    });
    believes("a-cluster-copies-all", {
      when: () => copies === 1 && refused > 0,
      message:
        "The node that has the stream SCANS was killed. Nobody else has its scans, and nobody takes a new one: the stream is on one node of three, `num_replicas` is 1. A cluster copies a stream when it is told to.",
      evidence: () => created("num_replicas"),
    });
    believes("two-copies-are-enough", {
      when: () => copies === 2 && refused > 0,
      message:
        "One of the two nodes that have the stream SCANS was killed. The other one has all scans, and takes no new one: it would have to be sure that most of the copies agree, and one of two is not most of them.",
      evidence: () => created("num_replicas"),
    });
    const limits = [
      ...(config.retention === "limits" ? [] : [`retention ${config.retention}`]),
      ...(["max_msgs", "max_msgs_per_subject", "max_bytes", "max_age", "max_consumers"] as const)
        .filter((limit) => config[limit] > 0)
        .map((limit) => `${limit} ${config[limit]}`),
    ];
    if (limits.length > 0) fail(`SCANS should keep all scans. It has the setting ${limits.join(", ")}.`);
    if (config.duplicate_window < 120e9)
      fail(
        `SCANS should remember message ids for two minutes. It does so for ${config.duplicate_window / 1e9} s (duplicate_window).`,
      );
    const before = [scanNo(1), { ...scanNo(2), depot: "rtm", event: "out" as const }];
    const lost = before.find((scan) => !config.subjects.some((all) => subjectMatches(all, subjectOf(scan))));
    if (lost) fail(`SCANS should take a scan on ${subjectOf(lost)}. It takes ${config.subjects.join(", ")}.`);
    for (const scan of before) await put(server, scan, until);
    const leader = await leaderOf(cluster, until);
    await leader.kill();
    const [other] = cluster.others(leader) as [CheckServer];
    await put(other, scanNo(3), until, () => refused++);
    eachOnce([1, 2, 3], [...before, scanNo(3)], await stored(other, until), fail);
    if (copies !== 3) fail(`A stream of this hub can have three copies. SCANS has ${copies}.`);
    creating.leavesConnectionOpen();
  },
);

check(
  "an old stream gets its copies, and they are complete",
  {
    cluster: true,
    needsServer: clusters,
    budgetMs: 30_000,
    beliefs: {
      "there-is-one-already": {
        belief: "When the stream is there, there is nothing to do.",
        readme: "the-stream-is-there-so-all-is-well",
        hint: "What does the stream have that was there before, and what should it have? Which call changes a stream?",
      },
      "an-update-is-a-copy": {
        belief: "When the server has accepted the new setting, the copies are there.",
        readme: "accepted-is-not-copied",
        hint: "What does the stream's info say of each replica, right after your update? When could you switch off the first node?",
      },
    },
  },
  async ({ cluster, learner, until, lasting, believes, fail }) => {
    // Somebody made it without copies, on one node. Another node does not answer.
    await until("the hub to make the stream", () =>
      ask(cluster.nodes[0], ({ streams }) => streams.add({ name: "SCANS", subjects: ["parcel.*.*"] })),
    );
    const holder = await leaderOf(cluster, until);
    const old = scans(1, 200);
    const nc = await holder.client();
    for (const scan of old) nc.publish(subjectOf(scan), JSON.stringify(scan));
    await put(holder, scanNo(201), until);
    const [frozen] = cluster.others(
      holder,
      await until("the hub to have a leader", () => cluster.metaLeader()),
    );
    if (!frozen) throw new Error("Of three nodes, two are busy at the most.");
    frozen.pause();
    let isFrozen = true;
    let info = await until("the stream to tell what it has", () =>
      ask(holder, ({ streams }) => streams.info("SCANS")),
    );
    const look = async () => {
      info = (await ask(holder, ({ streams }) => streams.info("SCANS"))) ?? info;
      return info;
    };
    const creating = await learner.start("createScans", [cluster.connection("office", { first: holder })]);
    const asked = () =>
      holder.wire.of("api", { client: "office" }).filter(({ call }) => /^STREAM\.(CREATE|UPDATE)/.test(call));
    const answered = () =>
      holder.wire
        .of("apiReply", { client: "office" })
        .filter(({ call }) => /^STREAM\.(CREATE|UPDATE)/.test(call));
    /** It has returned before the slow node could get its copy. */
    const returned = () => isFrozen && creating.settled && !creating.error;
    believes("there-is-one-already", {
      when: async () => returned() && (await look()).config.num_replicas === 1,
      message:
        "The stream SCANS was there, on one node. `createScans` has returned, and it is still on one node only. When that node is gone, so are its scans.",
      evidence: () => [copiesLine(info)],
      wire: () => [...asked(), ...answered()],
    });
    believes("an-update-is-a-copy", {
      when: async () => returned() && !allCurrent(await look()),
      message:
        "`createScans` has returned, and not every node has all scans: one of them is slow. The server accepts the new number of copies at once, and makes the copies afterwards. Whoever switches off the wrong node now has no stream.",
      evidence: () => [copiesLine(info)],
      wire: () => [...asked().slice(-1), ...answered().slice(-1)],
    });
    await until(
      "the stream to be given its copies",
      async () => creating.settled || (await look()).config.num_replicas !== 1,
    );
    // Time to return too soon. Whoever sleeps in place of looking sleeps longer.
    const sleeps = lasting(8_000, () => true);
    const looks = () =>
      holder.wire
        .of("api", { client: "office" })
        .some(({ call, index }) => call === "STREAM.INFO" && index > (answered().at(-1)?.index ?? Infinity));
    await until("`createScans` to look for the copies", () => creating.settled || looks() || sleeps());
    const waits = lasting(1_500, () => !creating.settled);
    await until("`createScans` to wait for the slow node", () => creating.settled || waits());
    await creating.answers();
    if (creating.settled) {
      await creating.result();
      fail("`createScans` has returned, and one of the nodes cannot have its copy yet: it is frozen.");
    }
    isFrozen = false;
    frozen.resume();
    await creating.result();
    await look();
    if (info.config.num_replicas !== 3)
      fail(`A stream of this hub can have three copies. SCANS has ${info.config.num_replicas}.`, {
        evidence: [copiesLine(info)],
      });
    if (!allCurrent(info))
      fail("`createScans` has returned, and not every node has all scans.", { evidence: [copiesLine(info)] });
    if (info.state.messages !== 201)
      fail(`There were 201 scans in the old stream, and now there are ${info.state.messages}.`);
    creating.leavesConnectionOpen();
  },
);

check(
  "scans wait until the hub has a majority again",
  {
    cluster: true,
    needsServer: clusters,
    budgetMs: 40_000,
    beliefs: {
      "nobody-there-is-final": {
        belief: "503 means that there is no such stream.",
        readme: "code-503-means-that-there-is-no-stream",
        hint: "Who takes the messages of a stream with copies? Is there always one?",
      },
      "a-few-tries-are-enough": {
        belief: "When it has failed a few times, it will not work any more.",
        readme: "a-few-tries-are-enough",
        hint: "How long may it take until the nodes have a leader again? How long do your tries take, all together?",
      },
      "again-at-once": {
        belief: "The sooner I try again, the sooner it works.",
        readme: "the-sooner-i-try-again-the-better",
        hint: "How soon does the answer 503 come? What does a loop do that has no rest in it, and a hundred scanners with such a loop?",
      },
    },
  },
  async ({ cluster, server, learner, until, lasting, believes, fail }) => {
    await replicated(cluster, until);
    const leader = await leaderOf(cluster, until);
    const [alone, third] = cluster.others(leader) as [CheckServer, CheckServer];
    const wanted = scans(1, 3);
    const sent = () => tries(server, "scanner", scanNo(1));
    let storing: LearnerProgram<number[]> | undefined;
    let back = false;
    const gaveUp = () => storing?.settled === true && !back && errorOf(storing)?.code !== "TIMEOUT";
    /** How long it rested after each answer. One that came late may have crossed with the next try. */
    const rests = () => {
      const sends = sent();
      const inTime = ({ at, request }: { at: number; request: number | undefined }) =>
        at - (sends.find(({ index }) => index === request)?.at ?? 0) < longPatience / 2;
      return restsAfter(sends, nobodyThere(server, sends).filter(inTime));
    };
    believes("again-at-once", {
      when: () => rests().filter((ms) => ms < shortRestMs).length >= 8,
      message: () =>
        `The node answers at once that nobody is there. \`store\` sent the same scan ${sent().length} times, mostly without a rest. All scanners of the carrier do that at the same time, to a hub that is busy with choosing a leader.`,
      wire: () => [...sent().slice(0, 2), ...nobodyThere(server, sent()).slice(0, 2)],
    });
    believes("nobody-there-is-final", {
      when: () => gaveUp() && sent().length === 1,
      message:
        "Two of three nodes are gone for a while, and the stream has no leader. The node that is left answered 503: nobody is there who takes the scan now. `store` took that for its last word, and gave up the scan.",
      wire: () => [...server.wire.of("server"), ...sent(), ...nobodyThere(server, sent())],
    });
    believes("a-few-tries-are-enough", {
      when: () => gaveUp() && sent().length > 1,
      message: () =>
        `Two of three nodes are gone for a while. \`store\` tried ${sent().length} times, and gave up the scan. It is to be stored, for as long as it takes: after a power cut that may be an hour.`,
      wire: () => [...server.wire.of("server"), ...sent(), ...nobodyThere(server, sent()).slice(-1)],
    });

    await Promise.all([leader.kill(), third.kill()]);
    const js = (await alone.client()).jetstream({ timeout: 200 });
    await until("the node that is left to say so", async () => {
      const [scan] = wanted as [Scan];
      const sent = js.publish(subjectOf(scan), JSON.stringify(scan), { msgID: scan.id });
      return (await sent.catch((error: NatsError) => error.code)) === "503";
    });
    storing = await learner.start("store", [
      cluster.connection("scanner", { first: alone }),
      wanted,
      longPatience,
    ]);
    const waits = lasting(3_000, () => storing?.settled === false);
    await until("`store` to try again", () => {
      sentScans(server, "scanner", fail);
      return storing?.settled || (sent().length >= 3 && waits());
    });
    if (storing.settled) gaveUpTooSoon(await storing.result(), fail);
    back = true;
    await third.restart();
    const value = await storing.result();
    eachOnce(value, wanted, await stored(alone, until), fail);
    storing.leavesConnectionOpen();
  },
);

check(
  "a scan is stored once when its leader goes before it answers",
  {
    cluster: true,
    needsServer: clusters,
    budgetMs: 40_000,
    beliefs: {
      "no-answer-is-final": {
        belief: "When no answer comes, the scan could not be stored.",
        readme: "no-answer-means-not-stored",
        hint: "What had the stream done with the scan, when its leader was gone? How can you find out, and do no harm if you were wrong?",
      },
      "the-cluster-knows-repeats": {
        belief: "The nodes agree on what is stored, so nothing is stored twice.",
        readme: "the-nodes-agree-so-nothing-is-stored-twice",
        hint: "What could tell the new leader that the message which comes now is one that the old leader has stored?",
      },
      "an-id-for-each-try": {
        belief: "Each message that I send gets an id of its own.",
        readme: "the-nodes-agree-so-nothing-is-stored-twice",
        hint: "Compare the message ids of the two tries. What does an id stand for: the message, or the scan?",
      },
    },
  },
  async ({ cluster, server, learner, until, believes, fail }) => {
    await replicated(cluster, until);
    const leader = await leaderOf(cluster, until);
    const [near] = cluster.others(leader) as [CheckServer];
    const wanted = scans(1, 4);
    /** A scan that was stored under two sequences. */
    const twice = () =>
      wanted.find((scan) => {
        const acks = pubAcks(server, "scanner", scan).filter(({ ok }) => ok);
        return new Set(acks.map(({ seq }) => seq)).size > 1;
      });
    const sentTwice = () => tries(server, "scanner", twice() ?? scanNo(0));
    const proof = () => [
      ...sentTwice().slice(0, 2),
      ...pubAcks(server, "scanner", twice() ?? scanNo(0)).slice(0, 2),
    ];
    believes("the-cluster-knows-repeats", {
      when: () => twice() !== undefined && sentTwice().every(({ msgId }) => msgId === undefined),
      message: () =>
        `The stream had stored scan ${twice()?.id}, and its leader was gone before the answer came. \`store\` sent it again, and the new leader stored it once more. To the stream it was just another message: nothing says that it is the same scan.`,
      wire: proof,
    });
    believes("an-id-for-each-try", {
      when: () => twice() !== undefined && new Set(sentTwice().map(({ msgId }) => msgId)).size > 1,
      message: () =>
        `The stream had stored scan ${twice()?.id}, and its leader was gone before the answer came. \`store\` sent it again with another message id, so the new leader took it for another scan, and stored it once more.`,
      wire: proof,
    });
    let storing: LearnerProgram<number[]> | undefined;
    believes("no-answer-is-final", {
      when: () =>
        errorOf(storing)?.code === "TIMEOUT" &&
        [2, 3].some((no) => tries(server, "scanner", scanNo(no)).length === 1),
      message:
        "The leader of the stream was gone before its answer came. The scan was stored, and `store` gave it up as if it were not: nobody will ever see that it is there, and the scans after it are missing.",
      wire: () => [...server.wire.of("server"), ...tries(server, "scanner", scanNo(2))],
    });

    /** What the stream says of this scan is lost. */
    const lose = ({ id }: Scan) =>
      near.relay.hold(
        (event) => event.kind === "puback" && event.ok && event.text?.includes(`"${id}"`) === true,
        { who: "scanner", limit: 1, what: "the answer" },
      );
    const lost = (answer: ReturnType<typeof lose>) =>
      until("the scan to be stored", () => {
        sentScans(server, "scanner", fail);
        return storing?.settled || answer.events.length > 0;
      });
    const afterStepdown = lose(scanNo(2));
    const afterKill = lose(scanNo(3));
    storing = await learner.start("store", [
      cluster.connection("scanner", { first: near }),
      wanted,
      patience,
    ]);
    await lost(afterStepdown);
    if (storing.settled) await storing.result();
    await cluster.stepDown(near, "SCANS");
    afterStepdown.drop();
    await lost(afterKill);
    if (storing.settled) await storing.result();
    const next = await leaderOf(cluster, until);
    await next.kill();
    afterKill.drop();
    const value = await storing.result();
    const [other] = cluster.others(next) as [CheckServer];
    eachOnce(value, wanted, await stored(other, until), fail, (scan) => pubAcks(server, "scanner", scan));
    storing.leavesConnectionOpen();
  },
);

check(
  "scans are stored once while nodes are frozen",
  {
    cluster: true,
    needsServer: clusters,
    budgetMs: 40_000,
    beliefs: {
      "in-process-is-an-error": {
        belief: "When the stream says that it has this message already at work, something is wrong.",
        readme: "in-process-is-an-error",
        hint: "The stream has your scan, and is not ready to confirm it. What would you do, if it had said nothing at all?",
      },
    },
  },
  async ({ cluster, server, learner, until, lasting, believes, fail }) => {
    await replicated(cluster, until);
    const leader = await leaderOf(cluster, until);
    const followers = cluster.others(leader) as [CheckServer, CheckServer];
    const sent = () => tries(server, "scanner", scanNo(1));
    const notYet = () => pubAcks(server, "scanner", scanNo(1)).filter(({ errCode }) => errCode === inProcess);
    let storing: LearnerProgram<number[]> | undefined;
    believes("in-process-is-an-error", {
      when: () => errorOf(storing)?.api_error?.err_code === inProcess && notYet().length === 1,
      message:
        'The leader has the scan, and waits for the other nodes, which are frozen. To the second try it answers "duplicate message id is in process": it is still at work with the first one. `store` threw that as an error. The scan is stored a moment later, and nobody knows.',
      wire: () => [...sent().slice(0, 2), ...notYet().slice(0, 1)],
    });

    // First: the leader can reach nobody.
    for (const node of followers) node.pause();
    const early = scans(1, 2);
    storing = await learner.start("store", [
      cluster.connection("scanner", { first: leader }),
      early,
      patience,
    ]);
    // Older servers have no such answer.
    const waits = lasting(3_000, () => sent().length > 1);
    const waitsTooLong = lasting(4_000, () => sent().length === 1 && storing?.settled === false);
    await until("`store` to try again", () => {
      sentScans(server, "scanner", fail);
      if (waitsTooLong())
        fail(
          `\`store\` was to wait ${patience} milliseconds for an answer, and to rest for a second at the most. After four seconds it has not tried again.`,
        );
      return storing?.settled || notYet().length >= 2 || waits();
    });
    if (storing.settled) gaveUpTooSoon(await storing.result(), fail);
    // Who does not rest has sent hundreds by now.
    const often = lasting(300, () => true);
    await until("`store` to rest", () => often() || storing?.settled);
    const atOnce = restsAfter(sent(), notYet()).filter((ms) => ms < shortRestMs).length;
    if (atOnce >= 8)
      fail(
        `The stream answers at once that it is still at work with the scan. \`store\` sent it ${sent().length} times, mostly without a rest, to a leader that has trouble enough.`,
      );
    for (const node of followers) node.resume();
    const first = await storing.result();
    eachOnce(first, early, await stored(leader, until), fail);
    storing.leavesConnectionOpen();

    // Then: the leader itself is frozen. The others choose a new one.
    await cluster.formed();
    const old = await leaderOf(cluster, until);
    const [near] = cluster.others(old) as [CheckServer];
    old.pause();
    const late = scans(3, 4);
    const second = await learner.start("store", [
      cluster.connection("scanner later", { first: near }),
      late,
      patience,
    ]);
    const value = await second.result();
    old.resume();
    await cluster.formed();
    const ids = await stored(near, until);
    eachOnce(value, late, ids, fail);
    eachOnce([...first, ...value], [...early, ...late], ids, fail);
    second.leavesConnectionOpen();
  },
);

check(
  "a full stream is an error, and a second call stores nothing twice",
  {
    beliefs: {
      "every-503-passes": {
        belief: "A 503 passes, so I try again.",
        readme: "every-503-passes",
        hint: "There are two answers with the code 503. What has the one that the other has not? Print the whole error, not only its code.",
      },
    },
  },
  async ({ server, learner, until, believes, fail }) => {
    const manager = await server.manager();
    await manager.streams.add({ ...scansStream, num_replicas: 1, max_msgs: 6, discard: "new" as never });
    const refused = () =>
      pubAcks(server, "scanner full", scanNo(4)).filter(({ errCode }) => errCode === streamFull);
    believes("every-503-passes", {
      when: () => refused().length >= 3,
      message: () =>
        `The stream is full. It said so ${refused().length} times, with the code 503 and an \`api_error\`, and \`store\` tries again and again. Nobody learns that the scans are not stored.`,
      wire: refused,
    });
    const storing = await learner.start("store", [server.connection("scanner"), scans(1, 3), patience]);
    eachOnce(await storing.result(), scans(1, 3), await stored(server, until), fail);
    // After a crash, it is called with the scans of the day.
    const second = await storing.again("store", [server.connection("scanner again"), scans(1, 3), patience]);
    eachOnce(second, scans(1, 3), await stored(server, until), fail);
    await manager.streams.update("SCANS", { max_msgs: 3 });
    const full = await storing.attempt("store", [server.connection("scanner full"), scans(4, 4), patience]);
    if (!("error" in full)) {
      const [other] = pubAcks(server, "scanner full", scanNo(4)).filter(({ duplicate }) => duplicate);
      if (other)
        fail(
          `The stream took scan ${scanNo(4).id} for one that it has already: another scan had the message id ${inWords(other.msgId)}, too.`,
        );
      fail(
        `The stream is full and did not store the scan. \`store\` should have thrown its error; it returned ${inWords(full.value)}.`,
      );
    }
    storing.leavesConnectionOpen();
  },
);

/** What `sort` is given must be scans. */
function mustGetScans(received: readonly unknown[], fail: Fail): void {
  for (const scan of received)
    if (typeof (scan as Scan | null)?.id !== "string")
      fail(`\`sort\` should be given a scan. It was given ${inWords(scan).slice(0, 80)}.`);
}

/** Where the worker's messages come from: the consumer that is there already. */
const sorter = { durable_name: "sorter", ack_policy: "explicit" as never, ack_wait: 1_000_000_000 };

check(
  "a worker waits for the hub, however long it is away",
  {
    budgetMs: 60_000,
    beliefs: {
      "the-hub-is-there-first": {
        belief: "When I start, the hub is up.",
        readme: "the-hub-is-up-when-i-start",
        hint: "After a power cut all machines start at the same time. What does `connect` do when nobody listens yet, and which option changes that?",
      },
      "the-client-tries-for-ever": {
        belief: "The client connects again, however long it takes.",
        readme: "the-client-tries-for-ever",
        hint: "How often does the client try, and how long does it wait between two tries? Look at the options of `connect`, and their defaults.",
      },
    },
  },
  async ({ server, learner, until, lasting, believes, fail }) => {
    const manager = await server.manager();
    await manager.streams.add({ ...scansStream, num_replicas: 1 });
    await manager.consumers.add("SCANS", sorter);
    for (const no of [1, 101, 102]) await put(server, scanNo(no), until);
    await server.kill();

    const held = gate();
    // It takes a moment, so that two at a time show.
    const sort = hook(async (scan: Scan) => {
      await new Promise<void>((resolve) => setTimeout(resolve, 20));
      if (scan?.id === scanNo(3).id) await held.wait();
    });
    const sorted = (no: number) => sort.received.some((scan) => scan?.id === scanNo(no).id);
    const stop = new AbortController();
    let since = 0;
    // Whom a worker asks may have no answer, while nobody leads.
    server.relay.hold((event) => event.kind === "apiReply" && event.call === "CONSUMER.INFO", {
      who: "worker",
      limit: 1,
      mode: "drop",
      what: "the answer",
    });
    const refused = () => server.wire.dials(({ accepted, index }) => !accepted && index > since);
    let working: LearnerProgram<void> | undefined;
    const over = () => working?.settled === true || working?.exit !== undefined;
    /** For longer than it has ever waited before it tried again. */
    const quiet = () => {
      const times = refused().map(({ at }) => at);
      const longest = Math.max(...times.slice(1).map((at, i) => at - (times[i] ?? 0)));
      return server.wire.now() - (times.at(-1) ?? server.wire.now()) > Math.max(4_500, 2 * longest);
    };
    const connected = () => server.relay.isConnected("worker");
    const gaveUp = lasting(300, () => over() || (refused().length >= 5 && quiet() && !connected()));
    believes("the-hub-is-there-first", {
      when: () => over() && !sorted(1) && server.wire.dials({ accepted: true }).length === 0,
      message: () =>
        `The hub was not up when the worker began. \`work\` has ${working?.error ? `thrown "${working.error.message}"` : "returned"}, and nobody sorts the scans when the hub is there. After a power cut the worker may be up sooner than the hub.`,
      wire: () => server.wire.dials({ accepted: false }),
    });
    believes("the-client-tries-for-ever", {
      when: () => sorted(1) && !sorted(2) && refused().length >= 2 && gaveUp(),
      message: () =>
        `The hub was away, and the client tried ${refused().length} times to connect. Then it closed the connection for good: by default it tries ten times for each server, two seconds apart. When the hub is back, nobody sorts the scans.`,
      wire: () => [...server.wire.of("server").slice(-1), ...refused()],
    });
    working = await learner.start("work", [server.options("worker"), sort, stop.signal], {
      ownsConnection: true,
    });
    await until("the worker to look for the hub", () => over() || refused().length >= 2);
    if (over()) await working.result();
    await server.restart();
    await until("the first scans to be sorted", () => {
      mustGetScans(sort.received, fail);
      return [1, 101, 102].every(sorted) || over();
    });
    if (over()) await working.result();
    if (sort.peak > 1) fail("`sort` was given a scan while it was still at work with the one before.");
    const idle = lasting(5_000, () => true);
    let left: { num_pending: number; num_ack_pending: number } | undefined;
    await until("the first scans to be acknowledged", async () => {
      left = await ask(server, ({ consumers }) => consumers.info("SCANS", "sorter"));
      return (left?.num_pending === 0 && left.num_ack_pending === 0) || idle();
    });
    if (left?.num_pending)
      fail(
        `The consumer sorter has ${left.num_pending} scans that nobody asked for. \`work\` should work off this consumer.`,
      );
    if (left?.num_ack_pending)
      fail(
        `Three scans were sorted five seconds ago, and ${left.num_ack_pending} of them are not acknowledged.`,
      );

    await server.kill();
    since = server.wire.mark();
    const long = lasting(24_000, () => true);
    await until(
      "the worker to look for the hub again and again",
      () => refused().length > 11 || over() || long(),
    );
    if (over()) await working.result();
    await server.restart();
    await put(server, scanNo(2), until);
    await until("the second scan to be sorted", () => sorted(2) || over());
    if (over()) {
      await working.result();
      fail("`work` has returned, though it was not told to stop.");
    }

    // Told to stop in the middle of a scan.
    for (const no of [3, 103, 104]) await put(server, scanNo(no), until);
    await until("the third scan to be handed over", () => sorted(3) || over());
    stop.abort();
    const rests = lasting(500, () => true);
    await until("`work` to finish its scan", () => over() || !connected() || rests());
    const acked = () => server.wire.acks(({ text }) => scanIn(text)?.id === scanNo(3).id);
    if (acked().length > 0) fail("A scan was acknowledged while `sort` was still at work with it.");
    if (over() || !connected())
      fail(
        `\`work\` was told to stop while \`sort\` was at work with a scan. It ${over() ? "has returned" : "has closed its connection"}, and did not wait for \`sort\`.`,
      );
    held.open();
    await working.result();
    const more = sort.received.slice(1 + sort.received.findIndex((scan) => scan?.id === scanNo(3).id));
    const [another] = more.filter((scan) => scan?.id !== scanNo(3).id);
    if (another) fail(`\`work\` was told to stop, and \`sort\` was given another scan, ${another.id}.`);
    // What it sent last may still be on its way.
    const late = lasting(500, () => true);
    await until("the third scan to be acknowledged", () => acked().length > 0 || late());
    if (acked().length === 0)
      fail(
        "`work` finished its scan after the stop, and no acknowledgement of it came. `ack` sends nothing at once, and `close` drops what was not sent yet; `drain` sends it first.",
      );
  },
);

check(
  "a worker goes on without its leader, and without its node",
  {
    cluster: true,
    needsServer: clusters,
    budgetMs: 60_000,
    beliefs: {
      "the-client-would-tell": {
        belief: "When a leader changes, the client asks the new one.",
        readme: "the-client-asks-the-new-leader",
        hint: "Your request for messages lay with the old leader. Until when does your program wait for the answer? Look at `expires`.",
      },
      "a-dead-line-tells": {
        belief: "When a server does not answer, the connection breaks.",
        readme: "a-node-that-is-gone-hangs-up",
        hint: "Nothing comes from a frozen node, and nothing comes from a node when there is no work. How does a client find out which it is, and after how long?",
      },
      "who-accepts-answers": {
        belief: "Where a connection can be opened, a server is at work.",
        readme: "who-accepts-a-connection-answers",
        hint: "The client left the frozen node. Whom did it ask next, and how long does it wait there for the first word?",
      },
      "one-address": {
        belief: "One address is enough: the server tells the others.",
        readme: "one-address-is-enough",
        hint: "When does a client learn the other addresses? Which ones does it know before?",
      },
    },
  },
  async ({ cluster, server, learner, until, lasting, believes, fail }) => {
    await replicated(cluster, until);
    await until("the hub to make the consumer", () =>
      ask(cluster.nodes[0], ({ consumers }) => consumers.add("SCANS", sorter)),
    );
    /** A node that leads nothing of this. */
    const follower = () =>
      until("a node that does not lead", async () => {
        const leaders = [await cluster.leaderOf("SCANS"), await cluster.leaderOf("SCANS", "sorter")];
        return leaders.includes(undefined) ? undefined : cluster.others(...leaders)[0];
      });
    const sort = hook(async (_: Scan) => {});
    const sorted = (no: number) => sort.received.some((scan) => scan?.id === scanNo(no).id);
    let word: ReturnType<CheckServer["relay"]["hold"]> | undefined;
    let what: "another leader" | "frozen" | "gone" | undefined;
    let waits = () => false;
    let since = 0;
    const pulls = () => server.wire.pulls({ client: "worker" });
    believes("the-client-would-tell", {
      when: () => what === "another leader" && waits() && pulls().every(({ index }) => index < since),
      message:
        "The consumer got another leader. The word of that was lost on the way to the worker, and the worker's request for messages went with the old leader. The worker asks again when the time of that request is over: with the defaults of the client, after half a minute.",
      wire: () => [
        ...pulls().slice(-1),
        ...server.wire.of("server", { what: "stepdown" }).slice(-1),
        ...(word?.events.slice(0, 1) ?? []),
      ],
    });

    // First: the consumer gets another leader. The worker is connected to a node that is not the leader of anything.
    const home = await follower();
    const [away] = cluster.others(home) as [CheckServer];
    const stop = new AbortController();
    const working = await learner.start(
      "work",
      [cluster.options("worker", { first: home }), sort, stop.signal],
      {
        ownsConnection: true,
      },
    );
    await put(away, scanNo(1), until);
    await until("the first scan to be sorted", () => {
      mustGetScans(sort.received, fail);
      return sorted(1) || working.settled;
    });
    if (working.settled) await working.result();
    // Its request for the next scan lies with the leader then: a new one, or one for many that it has sent before.
    const asked = pulls().length;
    const restsOnIt = lasting(500, () => true);
    await until("the worker to ask for the next scan", () => pulls().length > asked || restsOnIt());
    // The server tells of the change, once. What is told once may be lost.
    word = home.relay.hold((event) => event.kind === "status" && event.code === 409, {
      who: "worker",
      mode: "drop",
      what: "the word of the change",
    });
    since = server.wire.mark();
    do await cluster.stepDown(away, "SCANS", "sorter");
    while ((await cluster.leaderOf("SCANS", "sorter")) === home);
    await put(away, scanNo(2), until);
    what = "another leader";
    waits = lasting(8_000, () => !sorted(2));
    await until("the second scan to be sorted", () => sorted(2) || working.settled || waits());
    if (working.settled) await working.result();
    if (!sorted(2))
      fail("The consumer got another leader, and the worker did not go on within five seconds.");
    word.release();
    // Only a node that leads nothing is frozen now: the time of an election is not the worker's.
    while ((await cluster.leaderOf("SCANS")) === home) await cluster.stepDown(away, "SCANS");

    // Then: the node that it is connected to is frozen.
    const frozen = cluster.nodesOf("worker")[0] ?? home;
    const dials = () => frozen.relay.connections.length;
    const before = dials();
    const elsewhere = () => cluster.nodesOf("worker").filter((node) => node !== frozen);
    const [awake] = cluster.others(frozen) as [CheckServer];
    /** By the clock on the wall, as the client's own: on a slow machine it ends before the check's patience does. */
    const waitsForTheFirstWord = () => {
      const last = frozen.relay.connections.at(-1);
      const [dial] = server.wire.dials(({ connection }) => connection === last?.id);
      return dial !== undefined && server.wire.now() - dial.at > tooLongForAWordMs;
    };
    believes("who-accepts-answers", {
      when: () =>
        what === "frozen" &&
        dials() > before &&
        elsewhere().length === 0 &&
        (waits() || waitsForTheFirstWord()),
      message:
        "The worker's node was frozen. The client noticed, and connected to the same node again. The system accepts the connection in the name of a process that is frozen, and the client waits there for the server's first word: twenty seconds, by default.",
      wire: () => [
        ...server.wire.of("server", { what: "paused" }),
        ...server.wire.of("disconnect", { client: "worker" }).slice(-1),
        ...server.wire.dials().slice(-1),
      ],
    });
    believes("a-dead-line-tells", {
      when: () => what === "frozen" && waits() && dials() === before && frozen.relay.isConnected("worker"),
      message: () =>
        pings().length > 0
          ? "The worker's node was frozen. Its connection stays open and nothing comes. The client asks whether the server is still there (PING), but too seldom: until it believes that nobody is there, it takes `pingInterval` times one more than `maxPingOut`."
          : "The worker's node was frozen. Its connection stays open and nothing comes, so the client waits. By default it asks every two minutes whether the server is still there, and believes it after the third question without an answer.",
      wire: () => [
        ...server.wire.of("server", { what: "paused" }),
        ...server.wire.by("worker", "ping", "pull").slice(-2),
      ],
    });
    // Right after a question, so that the time until the client leaves is the longest.
    const sorting = server.wire.mark();
    const pings = () => server.wire.by("worker", "ping").filter(({ index }) => index > sorting);
    const asksSeldom = lasting(5_500, () => true);
    await until("the worker to ask whether its node is there", () => pings().length > 0 || asksSeldom());
    frozen.pause();
    what = "frozen";
    waits = lasting(13_000, () => !sorted(3));
    await put(awake, scanNo(3), until);
    await until("the third scan to be sorted", () => sorted(3) || working.settled || waits());
    if (working.settled) await working.result();
    if (!sorted(3)) fail("The worker's node was frozen, and the worker did not go on within ten seconds.");
    stop.abort();
    await working.result();
    frozen.resume();
    // A client that waited there in vain for the first word, and went away, leaves its socket open: nats v2 does not close it.
    frozen.relay.cut();

    // Last: the first node of the list is gone when a worker begins.
    await cluster.formed();
    const gone = await follower();
    await gone.kill();
    const [here] = cluster.others(gone) as [CheckServer];
    since = server.wire.mark();
    const refused = () => server.wire.dials(({ accepted, index }) => !accepted && index > since);
    const reached = () => server.wire.of("connect", { client: "worker later" });
    const nowhere = lasting(6_000, () => refused().length > 1 && reached().length === 0);
    const tooLate = lasting(13_000, () => !sorted(4));
    what = "gone";
    const end = new AbortController();
    const later = await learner.start(
      "work",
      [cluster.options("worker later", { first: gone }), sort, end.signal],
      { ownsConnection: true },
    );
    believes("one-address", {
      when: () => what === "gone" && nowhere(),
      message:
        "The first node of the list was gone when the worker began, and the worker tried no other one. A client learns the other addresses from a server that it is connected to: before that, it has those that you gave it.",
      wire: refused,
    });
    await put(here, scanNo(4), until);
    await until("the fourth scan to be sorted", () => sorted(4) || later.settled || nowhere() || tooLate());
    if (later.settled) await later.result();
    if (!sorted(4))
      fail(
        "The first node of the list was gone when the worker began, and the work did not begin within ten seconds.",
      );
    const idle = lasting(5_000, () => true);
    let unacked = 0;
    await until("all to be acknowledged", async () => {
      const left = await ask(here, ({ consumers }) => consumers.info("SCANS", "sorter"));
      unacked = left?.num_ack_pending ?? 0;
      return (left && unacked === 0 && left.num_pending === 0) || later.settled || idle();
    });
    if (unacked > 0 && !later.settled)
      fail(`All scans were sorted five seconds ago, and ${unacked} of them are not acknowledged.`);
    end.abort();
    await later.result();
    if (!sorted(4)) fail("`work` has returned, though it was not told to stop, and a scan is not sorted.");
  },
);
