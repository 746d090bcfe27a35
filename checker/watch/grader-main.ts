// The process that grades for the watch. It keeps everything warm: vitest, the compilers, servers and programs that wait for the next
// save. What hangs in here is ended from outside, and a new one takes its place.
import { EnvironmentTrouble, UsageError } from "../course/errors.ts";
import { findLesson } from "../course/lessons.ts";
import { DroppedGrading, grade } from "../grading/grade.ts";
import { keepRun } from "../grading/last-run.ts";
import { WarmCompiler } from "../grading/warm-compiler.ts";
import {
  addSpare,
  discardSpares,
  expectTheSame,
  rehearseSpares,
  sparesReady,
  useServer,
} from "../kit/spares.ts";
import { reapAll, startReaper } from "../nats/reaper.ts";
import type { FromGrader, ToGrader } from "./messages.ts";

// vitest replaces process.exit while checks run.
const exit = process.exit.bind(process);

/** Servers and programs that wait for a save cost memory; after so long without one they are let go. */
const restAfterMs = 15 * 60_000;

const compiler = new WarmCompiler();
let resting: NodeJS.Timeout | undefined;

function say(message: FromGrader): void {
  process.send?.(message, undefined, undefined, () => {});
}

function end(): void {
  reapAll();
  exit(0);
}

process.on("disconnect", end);
for (const signal of ["SIGTERM", "SIGHUP"] as const) process.on(signal, end);
// Ctrl-C in the terminal is for the watch, which ends us.
process.on("SIGINT", () => {});
startReaper();

/** What is left to be cleared up of gradings that are over. */
const chores: (() => void | Promise<void>)[] = [];
let waiting = 0;
/** The grading that runs now. */
let running: { id: number; dropped: AbortController } | undefined;
let droppedUpTo = 0;
let turn: Promise<void> = Promise.resolve();

process.on("message", (message: ToGrader) => {
  if (message.type === "drop") {
    droppedUpTo = message.id;
    if (running && running.id <= message.id) running.dropped.abort();
    return;
  }
  waiting++;
  turn = turn.then(async () => {
    waiting--;
    try {
      if (message.type === "grade") await gradeOne(message);
      else await prepareFor(message);
    } catch (error) {
      const id = message.type === "grade" ? { id: message.id } : {};
      if (error instanceof DroppedGrading && message.type === "grade")
        say({ type: "dropped", id: message.id });
      else say({ ...troubleOf(error), ...id });
    } finally {
      running = undefined;
    }
    await getReady();
  });
});

async function prepareFor({ lesson, server }: ToGrader & { type: "prepare" }): Promise<void> {
  useServer(server);
  await Promise.all([import("../grading/engine.ts"), compiler.warmUp(findLesson(lesson).exercise)]);
}

async function gradeOne(message: ToGrader & { type: "grade" }): Promise<void> {
  const { id } = message;
  if (id <= droppedUpTo) throw new DroppedGrading();
  const lesson = findLesson(message.lesson);
  clearTimeout(resting);
  const dropped = new AbortController();
  running = { id, dropped };
  const graded = await grade({
    lesson,
    file: message.file ?? lesson.exercise,
    server: message.server,
    onTest: (test) => say({ type: "test", id, test }),
    compiler: compiler.compile,
    ...(message.only !== undefined && { only: message.only }),
    dropped: dropped.signal,
    afterwards: (clearUp) => chores.push(clearUp),
  });
  const { verdict, findings } = graded;
  say({ type: "verdict", id, verdict, findings });
  expectTheSame();
  if (message.file === undefined) chores.push(() => keepRun(lesson, graded));
}

/** Clears up and starts spares, a step at a time, for as long as nobody waits for a verdict. */
async function getReady(): Promise<void> {
  while (waiting === 0) {
    // A message that came meanwhile is taken first.
    await new Promise((resolve) => setImmediate(resolve));
    const chore = chores.pop();
    if (chore)
      await Promise.resolve()
        .then(chore)
        .catch(() => {});
    else if (waiting === 0 && !addSpare()) break;
  }
  if (waiting > 0) return;
  resting = setTimeout(() => void discardSpares(), restAfterMs);
  void sparesReady().then(() => {
    if (waiting === 0) say({ type: "ready" });
    return rehearseSpares(() => waiting > 0 || running !== undefined);
  });
}

function troubleOf(error: unknown): FromGrader & { type: "trouble" } {
  const { name, message, stack } = error as Error;
  if (error instanceof EnvironmentTrouble)
    return { type: "trouble", kind: "environment", message, advice: error.advice };
  if (error instanceof UsageError) return { type: "trouble", kind: "usage", message, advice: error.advice };
  return { type: "trouble", kind: "checker", message: `${name}: ${message}`, advice: stack ?? "" };
}
