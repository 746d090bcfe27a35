// npm run bench: what things cost, as ratios measured in one run. Times on a shared machine are noise; ratios are figures.
import { cpus, loadavg } from "node:os";
import { findProgram } from "../nats/install/find.ts";
import { benchWire } from "../wire/bench.ts";
import { benchCheck } from "./check-speed.ts";
import type { Spread } from "./turns.ts";

const rounds = Number(process.env.BENCH_ROUNDS ?? 10);
const show = ({ min, median, max }: Spread, unit: string, digits = 0) =>
  `${median.toFixed(digits)}${unit} (${min.toFixed(digits)} to ${max.toFixed(digits)})`;

console.log(
  `Node ${process.versions.node}, ${cpus().length} processors, load ${loadavg()[0]?.toFixed(1)}, ${rounds} rounds\n`,
);
const [only] = process.argv.slice(2);
if (only === undefined || only === "check") await showCheck();
if (only === undefined || only === "wire") await showWire();
// Some minutes: only when it is asked for.
if (only === "classroom") await showClassroom();

async function showCheck(): Promise<void> {
  const { a, b, ratio } = await benchCheck(rounds);
  console.log("npm run check lesson-01, whole process, against npx vitest run on one test");
  console.log(`  check   ${show(a, " ms")}`);
  console.log(`  vitest  ${show(b, " ms")}`);
  console.log(`  ratio   ${show(ratio, "", 2)}   goal 1.2\n`);
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

/** `BENCH_LEARNERS`, `BENCH_SECONDS` and `BENCH_FAULT` (a part of its name) make it smaller. */
async function showClassroom(): Promise<void> {
  const { benchClassroom, faults } = await import("./classroom.ts");
  const learners = Number(process.env.BENCH_LEARNERS ?? 500);
  const seconds = Number(process.env.BENCH_SECONDS ?? 60);
  const wanted = process.env.BENCH_FAULT ?? "";
  console.log(
    `the classroom: ${learners} learners, 20 results each within ${seconds} s, over real connections`,
  );
  console.log("  goals: none lost, none doubled, all joined within 10 s; without a fault 500 ms at p99");
  for (const fault of faults.filter((each) => each.includes(wanted))) {
    const m = await benchClassroom(fault, { learners, results: 20, withinMs: seconds * 1_000 });
    const [load = 0] = loadavg();
    const round = (value: number) => Math.round(value).toLocaleString("en");
    console.log(`  ${fault} (load of the machine now ${load.toFixed(0)})`);
    console.log(`    joined       in ${round(m.joinedInMs)} ms`);
    console.log(
      `    results      ${m.sent} sent, ${m.stored} stored, ${m.counted} counted: ${m.lost} lost, ${m.doubled} doubled`,
    );
    console.log(`    order        ${m.disordered} learners whose results lie in another order in the stream`);
    console.log(
      `    to dashboard ${round(m.latency.p50)} ms median, ${round(m.latency.p99)} ms p99, ${round(m.latency.max)} ms at most`,
    );
    console.log(`    settled      ${round(m.settledMs)} ms after the last verdict`);
    console.log(
      `    memory       host ${round(m.hostMB)} MB, server ${round(m.serverMB)} MB at most; host's processor time ${round(m.hostCpuMs)} ms`,
    );
  }
}
