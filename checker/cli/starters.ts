// npm run starters: for authors. Makes every exercise.ts from its solution.
import { existsSync, readFileSync } from "node:fs";
import writeFileAtomic from "write-file-atomic";
import { allLessons } from "../course/lessons.ts";
import { starterOf } from "../course/starter.ts";
import { exitStatus } from "../grading/verdict.ts";
import { print } from "./text.ts";

export async function runStarters({ check = false }: { check?: boolean }): Promise<number> {
  let differing = 0;
  for (const lesson of allLessons()) {
    const starter = starterOf(lesson);
    const current = existsSync(lesson.exercise) ? readFileSync(lesson.exercise, "utf8") : undefined;
    if (current === starter) continue;
    differing++;
    if (!check) writeFileAtomic.sync(lesson.exercise, starter);
    print(`${check ? "differs" : "written"}  ${lesson.exercise}`);
  }
  if (differing === 0) print("Every exercise.ts is the starter of its solution.");
  return check && differing > 0 ? exitStatus.notYet : exitStatus.passed;
}
