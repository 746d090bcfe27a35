// Lab of lesson 08: the system of a carrier with six faults in it. Which names they have, the seed decides.
import {
  AckPolicy,
  DiscardPolicy,
  type JetStreamManager,
  type NatsConnection,
  nanos,
  RetentionPolicy,
} from "nats";
import type { Lab, Random } from "../../checker/kit/lab.ts";
import type { Complaint, Findings } from "./exercise.ts";

const towns =
  "aarhus basel bergen bern bilbao brno cork delft genoa ghent graz kiel lille linz lyon malmo nice oslo porto riga split turin vilnius zadar".split(
    " ",
  );
const words =
  "AMBER BASALT BIRCH CEDAR COBALT CORAL EMBER FLINT GARNET HAZEL INDIGO JASPER LARCH MAPLE OPAL QUARTZ ROWAN SLATE TOPAZ WILLOW".split(
    " ",
  );
const people =
  "ada bram carl dora emil faye gus hana igor jana kurt lena marc nora otto petra quinn rosa sven tara ugo vera wim yara".split(
    " ",
  );
const events = ["delayed", "inspected", "measured", "opened", "repacked", "sealed", "weighed"];

/** All that is random in the scene. */
export interface Plan {
  /** What is wrong, as the learner is to report it; without the name of the hub. */
  readonly faults: Required<Omit<Findings, "hub">>;
  readonly complaint: Complaint;
  readonly names: Readonly<Record<"scans" | "labels" | "customs" | "jobs" | "returns", string>>;
  readonly towns: readonly string[];
  /** Consumers of the scans that only look as if they were stuck. */
  readonly behind: string;
  readonly busy: string;
  readonly printers: string;
  readonly maxAckPending: number;
  readonly desks: readonly string[];
  readonly room: number;
}

export function plan(random: Random): Plan {
  const here = random.some(5, towns);
  const [kiel = "", lyon = ""] = here;
  const word = random.some(5, words);
  const staff = random.some(7, people);
  const names = {
    scans: `SCANS_${word[0]}`,
    labels: `LABELS_${word[1]}`,
    customs: `CUSTOMS_${word[2]}`,
    jobs: `JOBS_${word[3]}`,
    returns: `RETURNS_${word[4]}`,
  };
  const desks = staff.slice(3, 6).map((name) => `desk-${name}`);
  return {
    names,
    towns: here,
    behind: `statistics-${staff[1]}`,
    busy: `tracking-${staff[2]}`,
    printers: `printers-${staff[6]}`,
    maxAckPending: random.between(5, 15),
    desks,
    room: random.between(20, 40),
    complaint: { parcel: `P-${random.between(100_000, 999_999)}`, sentTo: `parcel.${kiel}.loaded` },
    faults: {
      stuck: { stream: names.scans, consumer: `billing-${staff[0]}` },
      unstored: `parcel.${lyon}.${random.pick(events)}`,
      poison: { stream: names.jobs, sequence: 2 * random.between(4, 12) },
      dropping: names.customs,
      silent: random.pick(desks),
      lost: { subject: `returns.${random.pick(towns)}.${random.pick(people)}`, stream: names.returns },
    },
  };
}

export const lab: Lab = {
  server(random) {
    const { complaint, faults } = plan(random);
    // Somebody meant well: what is loaded there comes back.
    return { config: `mappings { "${complaint.sentTo}": "${faults.lost.subject}" }` };
  },

  async play({ random, connect, every, ended }) {
    const scene = plan(random);
    const { names, faults, complaint } = scene;
    const nc = await connect("depot");
    const jsm = await nc.jetstreamManager(patience);
    await makeStreams(jsm, scene);
    await fill(nc, scene);

    const jobs = await (await connect("printer"))
      .jetstream(patience)
      .consumers.get(names.jobs, scene.printers);
    let failures = 0;
    await jobs.consume({
      max_messages: 5,
      callback: (message) => {
        try {
          message.json();
          message.ack();
        } catch {
          failures++;
          message.nak(400);
        }
      },
    });
    const labels = await (await connect("labeller"))
      .jetstream(patience)
      .consumers.get(names.labels, "labellers");
    await labels.consume({ callback: (message) => message.ack() });
    const tracking = await (await connect("tracking"))
      .jetstream(patience)
      .consumers.get(names.scans, scene.busy);
    await tracking.consume({
      callback: (message) => void setTimeout(() => ended.aborted || message.ack(), 3_000),
    });
    // It took what it was given, and never said that it was done.
    const billing = await (await connect("billing"))
      .jetstream()
      .consumers.get(names.scans, faults.stuck.consumer);
    await billing.consume({ max_messages: 2 * scene.maxAckPending, callback: () => {} });
    for (const name of scene.desks) {
      const desk = await connect(name);
      desk.subscribe("rates.quote", {
        queue: "desks",
        callback: (_, question) => void (name === faults.silent || question.respond("12.50")),
      });
      await desk.flush();
    }
    const map = await connect("map");
    map.subscribe("van.*.position", { callback: () => {} });
    await map.flush();

    await complete(async () => {
      const stuck = await jsm.consumers.info(names.scans, faults.stuck.consumer);
      const { state } = await jsm.streams.info(names.labels);
      return stuck.num_ack_pending === scene.maxAckPending && state.messages === 0 && failures > 1;
    });
    goOn(nc, scene, random, every);
    const shop = await connect("shop");
    // Some of them go to the desk that does not answer.
    every(250, () => shop.request("rates.quote", "2 kg", { timeout: 1_000 }).then(nothing, nothing));
    return {
      story: [
        `A customer asks for the parcel ${complaint.parcel}. A van loaded it, and this was sent on ${complaint.sentTo}. Nobody has seen it since.`,
        "And the colleagues have five more complaints. The lesson's page says which.",
      ],
      tryThese: ["stream report", `trace ${complaint.sentTo}`, 'sub "parcel.>"'],
    };
  },
};

/** For a machine that is busy with other things. */
const patience = { timeout: 60_000 };

const nothing = () => {};

async function makeStreams(jsm: JetStreamManager, { names, faults, ...scene }: Plan): Promise<void> {
  await jsm.streams.add({
    name: names.scans,
    subjects: ["parcel.*.scanned", "parcel.*.loaded"],
    max_msgs: 50_000,
  });
  await jsm.streams.add({
    name: names.labels,
    subjects: ["label.>"],
    retention: RetentionPolicy.Workqueue,
    max_msgs: 50_000,
  });
  await jsm.streams.add({
    name: names.customs,
    subjects: ["customs.>"],
    max_msgs: scene.room,
    discard: DiscardPolicy.Old,
  });
  await jsm.streams.add({ name: names.jobs, subjects: ["job.>"], max_msgs: 50_000 });
  await jsm.streams.add({ name: names.returns, subjects: ["returns.>"], max_msgs: 50_000 });
  const consumer = (stream: string, durable_name: string, more: object = {}) =>
    jsm.consumers.add(stream, {
      durable_name,
      ack_policy: AckPolicy.Explicit,
      ack_wait: nanos(3_600_000),
      ...more,
    });
  await consumer(names.scans, faults.stuck.consumer, { max_ack_pending: scene.maxAckPending });
  await consumer(names.scans, scene.behind);
  await consumer(names.scans, scene.busy);
  await consumer(names.labels, "labellers");
  await consumer(names.jobs, scene.printers, { filter_subject: "job.print.>" });
}

/** What happened before the learner came. */
async function fill(nc: NatsConnection, { names, faults, complaint, towns, room }: Plan): Promise<void> {
  const js = nc.jetstream(patience);
  const store = (subject: string, value: object) => js.publish(subject, JSON.stringify(value));
  for (let no = 1; no <= 60; no++) {
    // The first town's vans are the ones that the mapping leads astray.
    await store(`parcel.${towns[no % towns.length]}.scanned`, { parcel: `P-${no}` });
  }
  // More labels have gone, as they should, than declarations, as they should not.
  for (let no = 1; no <= 60; no++) await store(`label.${no % 3}`, { parcel: `P-${no}` });
  for (let no = 1; no <= room + 10; no++) await store(`customs.${towns[no % towns.length]}`, { form: no });
  for (let no = 1; no <= 30; no++) {
    const poison = no === faults.poison.sequence;
    if (poison) await js.publish("job.print.label", `{"job": ${no}, "parcel": "P-`);
    else await store(no % 2 === 0 ? "job.print.label" : "job.pack.box", { job: no });
  }
  for (let no = 1; no <= 4; no++) await store(`returns.${towns[no]}.${no}`, { parcel: `P-${no}` });
  await js.publish(complaint.sentTo, JSON.stringify({ parcel: complaint.parcel }), {
    // It is stored, where nobody looks for it.
    expect: { streamName: names.returns },
  });
}

/** The day goes on. */
function goOn(
  nc: NatsConnection,
  { faults, towns }: Plan,
  random: Random,
  every: Parameters<Lab["play"]>[0]["every"],
): void {
  const js = nc.jetstream(patience);
  let no = 60;
  const say = (subject: string) => nc.publish(subject, JSON.stringify({ parcel: `P-${++no}` }));
  every(300, async () => {
    await js.publish(`parcel.${random.pick(towns)}.scanned`, JSON.stringify({ parcel: `P-${++no}` }));
    say(`parcel.${random.pick(towns.slice(1))}.loaded`);
    say(faults.unstored);
    say(`label.${random.between(0, 2)}`);
    say(`van.${random.between(1, 9)}.position`);
  });
  every(1_000, () => {
    say(`customs.${random.pick(towns)}`);
    say("job.print.label");
  });
}

async function complete(condition: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 60_000;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error("The scene of the lab did not come about within a minute.");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
