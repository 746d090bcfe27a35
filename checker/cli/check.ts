// npm run check: grades a lesson once, or all that were started.
import { EnvironmentTrouble, UsageError } from "../course/errors.ts";
import { allLessons, findLesson, type Lesson, readReadme } from "../course/lessons.ts";
import { isStarted } from "../course/started.ts";
import { grade } from "../grading/grade.ts";
import { keepRun } from "../grading/last-run.ts";
import { exitStatus, type Verdict } from "../grading/verdict.ts";
import { findProgram } from "../nats/install/find.ts";
import { neededPrograms } from "../nats/install/needs.ts";
import { typedPath } from "../nats/install/typed-path.ts";
import { startReaper } from "../nats/reaper.ts";
import { lessonEnd } from "./lesson-end.ts";
import { showNews } from "./news.ts";
import { checkProgress, installProgress } from "./progress.ts";
import { recordVerdict } from "./record.ts";
import { print, printError, wrap } from "./text.ts";
import { verdictText } from "./verdict-text.ts";

export interface CheckFlags {
  readonly file?: string;
  readonly json?: boolean;
  readonly junit?: string;
  /** For the course's own tests: programs connect to the server itself, not through the recorder. */
  readonly direct?: boolean;
}

export async function runCheck(typed: string | undefined, flags: CheckFlags): Promise<number> {
  const lessons = typed === undefined ? allLessons().filter(isStarted) : [findLesson(typed)];
  if (flags.file !== undefined && typed === undefined) {
    throw new UsageError(
      "--file needs the lesson that the file is an exercise of.",
      `For example: npm run check lesson-01 -- --file ${flags.file}`,
    );
  }
  if (lessons.length === 0) {
    throw new UsageError(
      "You have not started a lesson yet.",
      "Begin with the first: open lessons/01-at-most-once/README.md, then npm run check lesson-01.",
    );
  }
  startReaper();
  const server = await findProgram("nats-server", { onProgress: installProgress() });
  const verdicts: Verdict[] = [];
  for (const lesson of lessons) {
    const file = flags.file === undefined ? lesson.exercise : typedPath(flags.file);
    await bringNeeded(lesson);
    const progress = checkProgress(lesson);
    const graded = await grade({
      lesson,
      file,
      server,
      recorded: !flags.direct,
      onTest: progress.ended,
    }).finally(progress.erase);
    verdicts.push(graded.verdict);
    if (!flags.json) print(verdictText(graded.verdict, lesson));
    if (graded.borrowed !== undefined) tellBorrowed(graded.borrowed, graded.verdict.tests.length);
    if (flags.direct) continue;
    if (flags.file === undefined) remember(() => recordVerdict(lesson, graded));
    if (flags.file === undefined && !flags.json && graded.verdict.status === "pass")
      remember(() => print(`${lessonEnd(lesson, (next) => `npm start ${next.id}`)}\n`));
    keepRun(lesson, graded);
  }
  if (!flags.json) await showNews();
  if (flags.json)
    print(JSON.stringify(typed === undefined ? { version: 3, lessons: verdicts } : verdicts[0]));
  if (flags.junit !== undefined) {
    const { writeJunit } = await import("../grading/junit.ts");
    writeJunit(typedPath(flags.junit), verdicts);
    if (!flags.json) printError(`Written: ${flags.junit}`);
  }
  return statusOf(verdicts);
}

function tellBorrowed(borrowed: number | string, all: number): void {
  const url = (process.env.NATS_URL ?? "").replace(/\/\/[^@/]*@/, "//");
  printError(
    wrap(
      typeof borrowed === "string"
        ? `NATS_URL (${url}) was not used, because ${borrowed}. The checks had servers of their own.`
        : `${borrowed} of ${all} checks used ${url} (NATS_URL). The others harm their server, or need other settings: they had servers of their own.`,
    ),
  );
}

/** What the lesson needs beyond a server. Without it the checks that use it are skipped, and say what to install. */
async function bringNeeded(lesson: Lesson): Promise<void> {
  for (const name of neededPrograms(readReadme(lesson).matter.needs)) {
    try {
      await findProgram(name, { onProgress: installProgress() });
    } catch (error) {
      if (!(error instanceof EnvironmentTrouble)) throw error;
    }
  }
}

/** The verdict stands, whether it can be remembered or not. */
function remember(record: () => void): void {
  try {
    record();
  } catch (error) {
    if (!(error instanceof EnvironmentTrouble)) throw error;
    printError(wrap(`${error.message}\n${error.advice}`));
  }
}

/** Trouble with the environment counts over a lesson that is not passed yet. */
function statusOf(verdicts: readonly Verdict[]): number {
  if (verdicts.some((verdict) => verdict.environment)) return exitStatus.environment;
  return verdicts.every((verdict) => verdict.status === "pass") ? exitStatus.passed : exitStatus.notYet;
}
