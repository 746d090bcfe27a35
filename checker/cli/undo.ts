// npm run undo: brings back what the last reset or undo replaced; what it replaces itself is kept, too, so that a second undo takes it back.
import { existsSync, readFileSync } from "node:fs";
import { relative } from "node:path";
import { backupsOf, replaceExercise } from "../course/backups.ts";
import { UsageError } from "../course/errors.ts";
import { findLesson } from "../course/lessons.ts";
import { exitStatus } from "../grading/verdict.ts";
import { currentLesson } from "./current.ts";
import { byKey, print } from "./text.ts";

export interface UndoFlags {
  /** Only show which backups there are. */
  readonly list?: boolean;
  /** The backup to bring back, counted from the newest: 1. */
  readonly back?: string;
}

export async function runUndo(typed: string | undefined, { list = false, back }: UndoFlags): Promise<number> {
  const lesson = typed === undefined ? currentLesson() : findLesson(typed);
  const near = (path: string) => relative(process.cwd(), path);
  const backups = backupsOf(lesson);
  if (backups.length === 0)
    throw new UsageError(
      `There is no backup of ${near(lesson.exercise)}.`,
      `A backup is made when ${byKey("x or u", "npm run reset")} writes over your file. Nothing has done so here.`,
    );
  if (list) {
    for (const [index, { path, at }] of backups.entries())
      print(`  ${String(index + 1).padStart(3)}  ${new Date(at).toLocaleString("sv")}  ${near(path)}`);
    return exitStatus.passed;
  }
  const number = back === undefined ? 1 : Number(back);
  const wanted = backups[number - 1];
  if (!Number.isInteger(number) || !wanted)
    throw new UsageError(
      `There is no backup number ${back}; there ${backups.length === 1 ? "is 1" : `are ${backups.length}`}.`,
      `\`npm run undo ${lesson.id} -- --list\` shows them.`,
    );
  const text = readFileSync(wanted.path);
  if (existsSync(lesson.exercise) && readFileSync(lesson.exercise).equals(text)) {
    print(`${near(lesson.exercise)} is the same as ${near(wanted.path)} already.`);
    return exitStatus.passed;
  }
  const kept = replaceExercise(lesson, text);
  print(`${near(lesson.exercise)} is back as it was on ${new Date(wanted.at).toLocaleString("sv")}.`);
  if (kept) print(`What it replaced is kept in\n  ${near(kept)}`);
  return exitStatus.passed;
}
