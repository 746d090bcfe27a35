// Backups of what a learner wrote, made before anything overwrites it.
import { copyFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { EnvironmentTrouble } from "./errors.ts";
import type { Lesson } from "./lessons.ts";
import { workFolder } from "./places.ts";

/**
 * Copies the learner's exercise to a dated file.
 * @returns the backup's path; undefined when there is nothing to keep
 * @throws EnvironmentTrouble when the copy cannot be made; then nothing may be overwritten
 */
export function backUp(lesson: Lesson): string | undefined {
  if (!existsSync(lesson.exercise)) return undefined;
  const folder = join(workFolder, "backups", lesson.folder);
  const stamp = new Date().toISOString().replaceAll(":", "-").replace("Z", "");
  const backup = join(folder, `exercise-${stamp}.ts`);
  try {
    mkdirSync(folder, { recursive: true });
    copyFileSync(lesson.exercise, backup);
    // A copy on a full disk can be short without an error.
    if (!readFileSync(backup).equals(readFileSync(lesson.exercise)))
      throw new Error("the copy differs from the file");
  } catch (error) {
    throw new EnvironmentTrouble(
      `${lesson.exercise} could not be backed up to ${folder}: ${(error as Error).message}. Nothing was changed.`,
      "See that the folder is writable and the disk is not full.",
      { cause: error },
    );
  }
  return backup;
}
