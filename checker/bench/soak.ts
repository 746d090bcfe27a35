// npm run soak: grades every solution, alternative and mistake again and again, half of it on a busy machine, and counts the verdicts
// that differ from what they must be. It notes the state of each lesson where none does (soaked.sha256). Too long for CI, which runs a
// short form (tests/grading/soak.test.ts).
//   npm run soak -- --times 3 --lesson 03
//   npm run soak -- --times 1 --server /path/to/another/nats-server
import { writeFileSync } from "node:fs";
import { InvalidArgumentError } from "commander";
import { UsageError } from "../course/errors.ts";
import { allLessons, findLesson, type Lesson } from "../course/lessons.ts";
import { programs } from "../nats/install/programs.ts";
import { typedPath } from "../nats/install/typed-path.ts";
import { authorsCommand, positive } from "./options.ts";
import { gradings, soak, soakedFile, stateOf } from "./soaking.ts";

const { times, lesson, server } = authorsCommand(
  "soak",
  "grades every program whose verdict is known, again and again",
)
  .option("--times <n>", "how often each program is graded", positive, 50)
  .option("--lesson <lesson>", "only the programs of this lesson", known)
  .option("--server <path>", "the nats-server to grade with", typedPath)
  .parse()
  .opts<{ times: number; lesson?: Lesson; server?: string }>();
const lessons = lesson ? [lesson] : allLessons();
const what = lessons.flatMap(gradings);
// As they are now: a soak takes hours, and who edits a lesson meanwhile has not had it graded.
const states = lessons.map((each) => ({ each, state: stateOf(each) }));

const from = performance.now();
let graded = 0;
let differed = 0;
const tell = () => {
  const seconds = Math.round((performance.now() - from) / 1_000);
  console.log(`${graded} gradings of ${what.length} programs in ${seconds} s: ${differed} verdicts differ`);
};
// Who has seen enough stops it, and keeps what was counted so far.
for (const [signal, number] of [
  ["SIGINT", 2],
  ["SIGTERM", 15],
] as const)
  process.once(signal, () => {
    tell();
    process.exit(128 + number);
  });
if (server !== undefined) process.env[programs["nats-server"].variable] = server;
const { differing, notJudged } = await soak(what, times, (done, of, difference) => {
  graded = done;
  if (difference) differed++;
  if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${of} gradings `);
  // At once: who sees enough may stop it.
  if (difference) console.log(`\n${difference}`);
  // A soak takes hours: without a terminal, too, it says how far it is.
  if (done % what.length === 0 && done < of) tell();
});
if (process.stderr.isTTY) process.stderr.write("\n");
for (const sentence of notJudged) console.log(`not judged  ${sentence}`);
tell();
// Another server, or one that is too old for a check, says nothing about the one that the course is made for.
if (server === undefined && notJudged.length === 0)
  for (const { each, state } of states)
    if (!differing.has(each)) writeFileSync(soakedFile(each), `${state}\n`);
process.exitCode = differed > 0 ? 1 : 0;

function known(typed: string): Lesson {
  try {
    return findLesson(typed);
  } catch (error) {
    if (error instanceof UsageError) throw new InvalidArgumentError(`${error.message} ${error.advice}`);
    throw error;
  }
}
