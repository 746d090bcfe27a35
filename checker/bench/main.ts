// npm run bench: what things cost, as ratios measured in one run. Times on a shared machine are noise; ratios are figures.
import { cpus, loadavg } from "node:os";
import { benchCheck } from "./check-speed.ts";
import type { Spread } from "./turns.ts";

const rounds = Number(process.env.BENCH_ROUNDS ?? 10);
const show = ({ min, median, max }: Spread, unit: string, digits = 0) =>
  `${median.toFixed(digits)}${unit} (${min.toFixed(digits)} to ${max.toFixed(digits)})`;

console.log(
  `Node ${process.versions.node}, ${cpus().length} processors, load ${loadavg()[0]?.toFixed(1)}, ${rounds} rounds\n`,
);
const { a, b, ratio } = await benchCheck(rounds);
console.log("npm run check lesson-01, whole process, against npx vitest run on one test");
console.log(`  check   ${show(a, " ms")}`);
console.log(`  vitest  ${show(b, " ms")}`);
console.log(`  ratio   ${show(ratio, "", 2)}   goal 1.2`);
