// npm run bench: what things cost, as ratios measured in one run. Times on a shared machine are noise; ratios are figures.
import { cpus, loadavg } from "node:os";
import { Argument, Option } from "commander";
import { allLessons } from "../course/lessons.ts";
import { findProgram } from "../nats/install/find.ts";
import { reapAll } from "../nats/reaper.ts";
import { benchWire } from "../wire/bench.ts";
import { benchCheck } from "./check-speed.ts";
import { type Fault, faults } from "./faults.ts";
import { lessonTimes } from "./lesson-times.ts";
import { authorsCommand, positive } from "./options.ts";
import { benchSite } from "./site-speed.ts";
import type { Spread } from "./turns.ts";
import { benchWatch } from "./watch-speed.ts";

const benches = {
  check: showCheck,
  watch: showWatch,
  wire: showWire,
  site: showSite,
  lessons: showLessons,
  // Some minutes: only when it is asked for.
  classroom: showClassroom,
};
const names = Object.keys(benches) as (keyof typeof benches)[];

const command = authorsCommand("bench", "what things cost, as ratios measured in one run")
  .addArgument(new Argument("[what]", "one part; without it all but the classroom").choices(names))
  .addOption(
    new Option("--rounds <n>", "turns of each side").env("BENCH_ROUNDS").argParser(positive).default(10),
  )
  .addOption(
    new Option("--learners <n>", "in the classroom, each with 20 results").argParser(positive).default(500),
  )
  .addOption(new Option("--seconds <n>", "over which the results come").argParser(positive).default(60))
  .addOption(new Option("--fault <name>", "one alone; without it each in turn").choices(faults))
  .parse();
const only = command.processedArgs[0] as keyof typeof benches | undefined;
const { rounds, learners, seconds, fault } = command.opts<{
  rounds: number;
  learners: number;
  seconds: number;
  fault?: Fault;
}>();
const show = ({ min, median, max }: Spread, unit: string, digits = 0) =>
  `${median.toFixed(digits)}${unit} (${min.toFixed(digits)} to ${max.toFixed(digits)})`;

console.log(
  `Node ${process.versions.node}, ${cpus().length} processors, load ${loadavg()[0]?.toFixed(1)}, ${rounds} rounds\n`,
);
for (const name of only ? [only] : names.filter((each) => each !== "classroom")) await benches[name]();
reapAll();

async function showCheck(): Promise<void> {
  const { a, b, ratio } = await benchCheck(rounds);
  console.log("npm run check lesson-01, whole process, against npx vitest run on one test");
  console.log(`  check   ${show(a, " ms")}`);
  console.log(`  vitest  ${show(b, " ms")}`);
  console.log(`  ratio   ${show(ratio, "", 2)}   goal 1.2\n`);
}

async function showWatch(): Promise<void> {
  const { vitest, verdict, verdictRatio, first, firstRatio } = await benchWatch(rounds);
  console.log(
    "npm start, from a save to the screen, against vitest --watch on one test; each in a pseudo-terminal",
  );
  console.log(`  vitest                          ${show(vitest, " ms")}`);
  console.log(`  lesson-01, all checks           ${show(verdict, " ms")}`);
  console.log(`  ratio                           ${show(verdictRatio, "", 2)}   goal 0.4`);
  console.log(`  lesson-01, first failing check  ${show(first, " ms")}`);
  console.log(`  ratio                           ${show(firstRatio, "", 2)}   goal 0.2\n`);
}

/** Both sides run on this machine at once, so only the ratios tell. */
async function showWire(): Promise<void> {
  const { path } = await findProgram("nats-server");
  const wire = await benchWire(path);
  const number = (value: number) => value.toLocaleString("en");
  console.log("the wire recorder, against a direct connection: 100-byte messages, journal on");
  console.log(
    `  messages/s   ${number(wire.directPerSecond)} direct, ${number(wire.relayedPerSecond)} relayed`,
  );
  console.log(`  ratio        ${wire.throughputRatio.toFixed(2)}   goal 0.5 or more`);
  console.log(`  recorded/s   ${number(wire.recordedPerSecond)} until all of it is read, too`);
  console.log(
    `  round trip   ${Math.round(wire.directMicros)} µs direct, ${Math.round(wire.relayedMicros)} µs relayed (median)`,
  );
  console.log(`  added        ${Math.round(wire.addedMicros)} µs   goal under 100 µs`);
  console.log(
    `  parser       ${number(wire.parserMBPerSecond)} MB/s at 100 bytes (${number(wire.parserMessagesPerSecond)} messages/s), ${number(wire.parserLargeMBPerSecond)} MB/s at 10 kB`,
  );
}

async function showSite(): Promise<void> {
  const { version, files, kept, anew, vitepress, firstLoads, saveMs } = await benchSite(rounds);
  console.log(
    `the site's build, whole process, against VitePress ${version} on the same ${files} markdown files`,
  );
  console.log(`  ours, with what the last build highlighted   ${show(kept.took, " ms")}`);
  console.log(`  ours, everything anew                        ${show(anew.took, " ms")}`);
  console.log(`  VitePress                                    ${show(vitepress, " ms")}`);
  console.log(`  times faster                                 ${show(kept.faster, "", 1)}   goal 5`);
  console.log(`  times faster, everything anew                ${show(anew.faster, "", 1)}`);
  console.log("\nfirst load of a lesson's page: HTML, scripts and styles, compressed; without fonts");
  for (const { folder, ours, theirs } of firstLoads)
    console.log(
      `  ${folder.padEnd(24)} ${kB(ours)}   VitePress ${kB(theirs)}   ratio ${(ours / theirs).toFixed(2)}`,
    );
  console.log(
    `  most                     ${kB(Math.max(...firstLoads.map(({ ours }) => ours)))}   goal 20 kB`,
  );
  console.log(
    `\nfrom saving a lesson to telling the open pages\n  ${show(saveMs, " ms")}   goal under 100 ms; load now ${loadavg()[0]?.toFixed(1)}`,
  );
}

function kB(bytes: number): string {
  return `${(bytes / 1000).toFixed(1).padStart(5)} kB`;
}

/** Processor time is the same on a busy machine; the time itself is only worth something on an idle one. */
async function showLessons(): Promise<void> {
  console.log(
    "\ngrading each lesson's solution, whole process; waiting: nothing of the run uses a processor",
  );
  for (const each of allLessons()) {
    const { lesson, wall, processor, waiting, slowest } = await lessonTimes(each, Math.min(rounds, 5));
    const parts = [
      `  ${lesson.id}  ${show(wall, " ms")}`,
      processor && `processor ${show(processor, " ms")}`,
      waiting && `waiting ${Math.round(waiting.median * 100)} %`,
    ];
    console.log(parts.filter(Boolean).join("   "));
    if (slowest) console.log(`             slowest: ${slowest.durationMs} ms, ${slowest.name}`);
  }
  console.log("  goal under 3000 ms each on an idle machine");
}

async function showClassroom(): Promise<void> {
  const { benchClassroom } = await import("./classroom.ts");
  console.log(
    `the classroom: ${learners} learners, 20 results each within ${seconds} s, over real connections`,
  );
  console.log("  goals: none lost, none doubled, all joined within 10 s; without a fault 500 ms at p99");
  for (const each of fault ? [fault] : faults) {
    const m = await benchClassroom(each, { learners, results: 20, withinMs: seconds * 1_000 });
    const [load = 0] = loadavg();
    const round = (value: number) => Math.round(value).toLocaleString("en");
    console.log(`  ${each} (load of the machine now ${load.toFixed(0)})`);
    console.log(`    joined       in ${round(m.joinedInMs)} ms`);
    console.log(
      `    results      ${m.sent} sent, ${m.stored} stored, ${m.counted} counted: ${m.lost} lost, ${m.doubled} doubled`,
    );
    console.log(
      `    overtaken    ${m.disordered} learners have results that overtook each other on the way; they are counted by their numbers`,
    );
    console.log(
      `    to dashboard ${round(m.latency.p50)} ms median, ${round(m.latency.p99)} ms p99, ${round(m.latency.max)} ms at most`,
    );
    console.log(`    settled      ${round(m.settledMs)} ms after the last verdict`);
    console.log(
      `    memory       host ${round(m.hostMB)} MB, server ${round(m.serverMB)} MB at most; host's processor time ${round(m.hostCpuMs)} ms`,
    );
  }
}
