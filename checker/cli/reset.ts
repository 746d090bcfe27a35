// npm run reset: back to the starter, with a backup of what was there.
import { existsSync, readFileSync } from "node:fs";
import { relative } from "node:path";
import { replaceExercise } from "../course/backups.ts";
import { findLesson } from "../course/lessons.ts";
import { starterOf } from "../course/starter.ts";
import { exitStatus } from "../grading/verdict.ts";
import { currentLesson } from "./current.ts";
import { byKey, print } from "./text.ts";

export async function runReset(typed: string | undefined): Promise<number> {
  const lesson = typed === undefined ? currentLesson() : findLesson(typed);
  const starter = starterOf(lesson);
  const shown = relative(process.cwd(), lesson.exercise);
  if (existsSync(lesson.exercise) && readFileSync(lesson.exercise, "utf8") === starter) {
    print(`${shown} is the starter already.`);
    return exitStatus.passed;
  }
  const backup = replaceExercise(lesson, starter);
  print(`${shown} is the starter again.`);
  if (backup) {
    print(`What you had is kept in\n  ${relative(process.cwd(), backup)}`);
    print(`${byKey("u", `npm run undo ${lesson.id}`)} brings it back.`);
  }
  return exitStatus.passed;
}
