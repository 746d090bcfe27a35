// After a verdict: what happened goes into the outbox, and a process of its own takes it to the classroom. Never waits and never fails.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { builtFile } from "../course/built.ts";
import { root } from "../course/places.ts";
import type { LessonProgress } from "../course/progress.ts";
import type { Verdict } from "../grading/verdict.ts";
import { markVariable } from "../nats/end-process.ts";
import { learnerFolder, membership } from "./membership.ts";
import type { Body, Result } from "./messages.ts";
import { Outbox } from "./outbox.ts";

let follower: (() => void) | undefined;

/** While watch mode listens in this process, it sends as well. */
export function sendWith(wake: (() => void) | undefined): void {
  follower = wake;
}

/** Tells the classroom of a verdict, when one was joined. */
export function reportVerdict(verdict: Verdict, progress: LessonProgress): void {
  try {
    if (membership()) tellClassroom(resultOf(verdict, progress));
  } catch {
    // A full disk must not cost the learner the verdict.
  }
}

/** Puts a message into the outbox, and sees to it that it goes. @returns its number */
export function tellClassroom(body: Body, home = learnerFolder): number {
  const n = new Outbox(home).put(body);
  if (follower) follower();
  else startSender();
  return n;
}

/** Waits until the classroom has confirmed this message, or the time is over. */
export async function arrived(n: number, withinMs: number, home = learnerFolder): Promise<boolean> {
  const outbox = new Outbox(home);
  const end = performance.now() + withinMs;
  while (outbox.confirmed() < n) {
    if (performance.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return true;
}

/** A process that outlives this command, and ends when all has arrived or the classroom is out of reach for long. */
export function startSender(): void {
  // Without the run's mark: the end of this command must not end it.
  const { [markVariable]: _, ...env } = process.env;
  const child = spawn(process.execPath, [builtFile("sender.mjs")], {
    cwd: root,
    env,
    stdio: "ignore",
    detached: true,
    windowsHide: true,
  });
  child.on("error", () => {});
  child.unref();
}

/** What the classroom is told: never the code, nor words that may hold some of it. */
export function resultOf(verdict: Verdict, progress: LessonProgress): Result {
  return {
    kind: "result",
    lesson: verdict.lesson.id,
    status: verdict.status,
    ms: Math.max(0, Math.round(verdict.durationMs)),
    checks: verdict.tests.slice(0, 100).map(({ name, status, diagnosis, durationMs }) => ({
      name: name.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, " ").slice(0, 200),
      status,
      ...(diagnosis && { diagnosis }),
      ms: Math.max(0, Math.round(durationMs)),
    })),
    hints: { general: progress.hintsShown ?? 0, beliefs: (progress.beliefsHinted ?? []).slice(0, 100) },
    course: courseVersion(),
    server: verdict.server.version.slice(0, 40),
  };
}

function courseVersion(): string {
  return (JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string }).version;
}
