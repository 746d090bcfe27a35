// The process that grades for the watch. It keeps everything warm: vitest, the compilers, servers and programs that wait for the next
// save. What hangs in here is ended from outside, and a new one takes its place.
import { EnvironmentTrouble, UsageError } from "../course/errors.ts";
import { findLesson } from "../course/lessons.ts";
import { grade } from "../grading/grade.ts";
import { keepRun } from "../grading/last-run.ts";
import { WarmCompiler } from "../grading/warm-compiler.ts";
import { discardSpares, refill, useServer } from "../kit/spares.ts";
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

let turn: Promise<void> = Promise.resolve();
process.on("message", (message: ToGrader) => {
  turn = turn.then(() => take(message)).catch((error) => say(troubleOf(error)));
});

async function take(message: ToGrader): Promise<void> {
  const lesson = findLesson(message.lesson);
  useServer(message.server);
  clearTimeout(resting);
  const afterwards: (() => void | Promise<void>)[] = [];
  if (message.type === "grade") {
    const graded = await grade({
      lesson,
      file: lesson.exercise,
      server: message.server,
      onTest: (test) => say({ type: "test", test }),
      compiler: compiler.compile,
      afterwards: (clearUp) => afterwards.push(clearUp),
    });
    const { verdict, findings } = graded;
    say({ type: "verdict", verdict, findings });
    keepRun(lesson, graded);
  } else {
    await Promise.all([import("../grading/engine.ts"), compiler.warmUp(lesson.exercise)]);
  }
  for (const clearUp of afterwards.reverse()) await clearUp();
  await refill();
  say({ type: "ready" });
  resting = setTimeout(() => void discardSpares(), restAfterMs);
}

function troubleOf(error: unknown): FromGrader {
  const { name, message, stack } = error as Error;
  if (error instanceof EnvironmentTrouble)
    return { type: "trouble", kind: "environment", message, advice: error.advice };
  if (error instanceof UsageError) return { type: "trouble", kind: "usage", message, advice: error.advice };
  return { type: "trouble", kind: "checker", message: `${name}: ${message}`, advice: stack ?? "" };
}
