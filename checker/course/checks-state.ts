// What a lesson's checks are, as a short mark: a lesson that was passed under other checks says so.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Lesson } from "./lessons.ts";
import type { LessonProgress } from "./progress.ts";

/** Changes with every change of the checks' text, whatever the line ends are. */
export function checksState(lesson: Lesson): string {
  const text = readFileSync(lesson.checks, "utf8").replaceAll("\r\n", "\n");
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}

/** True when the lesson was passed, and its checks are others since then. */
export function checksChanged(lesson: Lesson, progress: LessonProgress | undefined): boolean {
  return progress?.passedChecks !== undefined && progress.passedChecks !== checksState(lesson);
}
