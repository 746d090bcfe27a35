// Whether a learner has begun a lesson: the exercise is no longer the starter, or it was graded before.
import { readFileSync } from "node:fs";
import type { Lesson } from "./lessons.ts";
import { readProgress } from "./progress.ts";
import { starterOf } from "./starter.ts";

export function isStarted(lesson: Lesson): boolean {
  if (readProgress().lessons[lesson.id]?.startedAt) return true;
  try {
    return readFileSync(lesson.exercise, "utf8").replaceAll("\r\n", "\n") !== starterOf(lesson);
  } catch {
    return false;
  }
}
