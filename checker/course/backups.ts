// Backups of what a learner wrote: made before anything overwrites it, and brought back by `undo`.
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import writeFileAtomic from "write-file-atomic";
import { EnvironmentTrouble } from "./errors.ts";
import type { Lesson } from "./lessons.ts";
import { workFolder } from "./places.ts";

const folderOf = (lesson: Lesson) => join(workFolder, "backups", lesson.folder);
const backupName = /^exercise-(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3})(?:-(\d+))?\.ts$/;

/** A backup, newest first in every list. */
export interface Backup {
  readonly path: string;
  /** When it was made, ISO 8601. */
  readonly at: string;
}

/** The backups of a lesson's exercise, the newest first. */
export function backupsOf(lesson: Lesson): Backup[] {
  const folder = folderOf(lesson);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .flatMap((name) => {
      const [, at = "", more = "0"] = backupName.exec(name) ?? [];
      return at
        ? [{ path: join(folder, name), at: at.replace(/T(\d\d)-(\d\d)-/, "T$1:$2:"), more: Number(more) }]
        : [];
    })
    .sort((a, b) => b.at.localeCompare(a.at) || b.more - a.more)
    .map(({ path, at }) => ({ path, at: `${at}Z` }));
}

/**
 * Writes over the learner's exercise, and keeps what was there in a dated file.
 * @returns the backup's path; undefined when there was nothing to keep
 * @throws EnvironmentTrouble when the backup or the file cannot be written; then the exercise is as it was
 */
export function replaceExercise(lesson: Lesson, text: string | Buffer): string | undefined {
  const backup = backUp(lesson);
  try {
    writeFileAtomic.sync(lesson.exercise, text);
  } catch (error) {
    throw new EnvironmentTrouble(
      `${lesson.exercise} cannot be written: ${(error as Error).message}. It is as it was.`,
      "Make it writable and see that the disk is not full, then do the same again.",
      { cause: error },
    );
  }
  return backup;
}

function backUp(lesson: Lesson): string | undefined {
  if (!existsSync(lesson.exercise)) return undefined;
  const folder = folderOf(lesson);
  try {
    const before = readFileSync(lesson.exercise);
    mkdirSync(folder, { recursive: true });
    const backup = freeName(folder);
    writeFileAtomic.sync(backup, before);
    // A copy on a full disk can be short without an error.
    if (!readFileSync(backup).equals(before)) throw new Error("the copy differs from the file");
    return backup;
  } catch (error) {
    throw new EnvironmentTrouble(
      `${lesson.exercise} could not be backed up to ${folder}: ${(error as Error).message}. Nothing was changed.`,
      "See that the folder is writable and the disk is not full.",
      { cause: error },
    );
  }
}

/** Two backups of one millisecond have names of their own. */
function freeName(folder: string): string {
  const stamp = new Date().toISOString().replaceAll(":", "-").replace("Z", "");
  for (let more = 0; ; more++) {
    const path = join(folder, `exercise-${stamp}${more ? `-${more}` : ""}.ts`);
    if (!existsSync(path)) return path;
  }
}
