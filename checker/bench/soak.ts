// npm run soak: grades every solution, alternative and mistake again and again, half of it on a busy machine, and counts the verdicts
// that differ from what they must be. Too long for CI, which runs a short form (tests/grading/soak.test.ts).
//   npm run soak -- --times 3 --lesson 03
import { parseArgs } from "node:util";
import { allLessons, findLesson } from "../course/lessons.ts";
import { gradings, soak } from "./soaking.ts";

const { values } = parseArgs({ options: { times: { type: "string" }, lesson: { type: "string" } } });
const times = Number(values.times ?? 50);
const lessons = values.lesson === undefined ? allLessons() : [findLesson(values.lesson)];
const what = lessons.flatMap(gradings);

const from = performance.now();
const { count, differences } = await soak(what, times, (done, of, differing) => {
  if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${of} gradings, ${differing} differ `);
});
if (process.stderr.isTTY) process.stderr.write("\n");
for (const each of differences) console.log(`\n${each}`);
console.log(
  `${differences.length > 0 ? "\n" : ""}${count} gradings of ${what.length} programs in ${Math.round((performance.now() - from) / 1_000)} s: ${differences.length} verdicts differ`,
);
process.exitCode = differences.length > 0 ? 1 : 0;
