// What grading a lesson's solution costs: time, processor time, and how much of the time nothing of the run used a processor.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import type { Lesson } from "../course/lessons.ts";
import { root } from "../course/places.ts";
import { referenceFile } from "../course/starter.ts";
import type { Verdict } from "../grading/verdict.ts";
import { descendants } from "../nats/end-process.ts";
import { type Spread, spread } from "./turns.ts";

export interface LessonTimes {
  readonly lesson: Lesson;
  /** Milliseconds of the whole command. */
  readonly wall: Spread;
  /** Milliseconds of processor time of all its processes; undefined where the system does not tell (it is read from /proc). */
  readonly processor: Spread | undefined;
  /** The share of the time in which none of its processes used a processor, 0 to 1. */
  readonly waiting: Spread | undefined;
  /** The check that took longest, in the median round. */
  readonly slowest: { readonly name: string; readonly durationMs: number } | undefined;
}

/** How often the run's processes are looked at, in milliseconds. */
const lookEveryMs = 20;
/** Up to so much of one processor is housekeeping, not work: heartbeats, timers, a look at a condition. */
const idleShare = 0.05;

/** Grades the solution of a lesson so many times after one warm-up. */
export async function lessonTimes(lesson: Lesson, rounds: number): Promise<LessonTimes> {
  const runs: Awaited<ReturnType<typeof gradeWatched>>[] = [];
  for (let round = 0; round <= rounds; round++) {
    const run = await gradeWatched(lesson);
    if (round > 0) runs.push(run);
  }
  const sorted = [...runs].sort((a, b) => a.wallMs - b.wallMs);
  const checks = sorted[Math.floor(sorted.length / 2)]?.verdict.tests ?? [];
  const known = <T>(values: readonly (T | undefined)[]) => values.filter((value) => value !== undefined);
  const spreadOf = (values: readonly number[]) => (values.length > 0 ? spread(values) : undefined);
  return {
    lesson,
    wall: spread(runs.map((run) => run.wallMs)),
    processor: spreadOf(known(runs.map((run) => run.processorMs))),
    waiting: spreadOf(known(runs.map((run) => run.waiting))),
    slowest: [...checks].sort((a, b) => b.durationMs - a.durationMs)[0],
  };
}

async function gradeWatched(lesson: Lesson) {
  const from = performance.now();
  const file = referenceFile(lesson);
  const command = [join(root, "checker", "main.mjs"), "check", lesson.id, "--file", file, "--json"];
  const grading = execa(process.execPath, command, { cwd: root, reject: false, stdin: "ignore" });
  const watched = grading.pid === undefined ? undefined : watch(grading.pid);
  const { stdout, exitCode } = await grading;
  const wallMs = performance.now() - from;
  const seen = watched?.();
  if (exitCode !== 0) throw new Error(`The solution of ${lesson.id} ended with ${exitCode}:\n${stdout}`);
  return { wallMs, verdict: JSON.parse(stdout) as Verdict, ...seen };
}

/** Looks at a process and all below it now and then. The function that it returns ends that, and says what was seen. */
function watch(pid: number): () => { processorMs?: number; waiting?: number } {
  /** Processor time of each thread when it was last seen, in milliseconds. */
  const used = new Map<string, number>();
  let last = performance.now();
  let total = 0;
  let waitedMs = 0;
  let watchedMs = 0;
  const look = () => {
    const now = performance.now();
    let usedMs = 0;
    for (const [thread, ms] of threadsBelow(pid)) {
      usedMs += Math.max(0, ms - (used.get(thread) ?? 0));
      used.set(thread, ms);
    }
    const passed = now - last;
    last = now;
    total += usedMs;
    watchedMs += passed;
    if (usedMs < passed * idleShare) waitedMs += passed;
  };
  const timer = setInterval(look, lookEveryMs);
  return () => {
    clearInterval(timer);
    return used.size === 0 ? {} : { processorMs: total, waiting: waitedMs / watchedMs };
  };
}

/** Each thread of a process and of all below it, with its processor time in milliseconds. Empty where there is no /proc. */
function threadsBelow(pid: number): [thread: string, ms: number][] {
  return [pid, ...descendants(pid)].flatMap((each) => {
    try {
      return readdirSync(`/proc/${each}/task`).map((thread): [string, number] => {
        const [nanoseconds = "0"] = readFileSync(`/proc/${each}/task/${thread}/schedstat`, "latin1").split(
          " ",
        );
        return [thread, Number(nanoseconds) / 1e6];
      });
    } catch {
      // It ended while we looked.
      return [];
    }
  });
}
