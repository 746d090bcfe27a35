// What a learner has done so far: kept in one file beside the course, written whole or not at all.
import { mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import writeFileAtomic from "write-file-atomic";
import { EnvironmentTrouble } from "./errors.ts";
import { workFolder } from "./places.ts";

export interface LessonProgress {
  /** When it was first graded, ISO 8601. */
  startedAt?: string;
  /** When it was first passed, ISO 8601. */
  passedAt?: string;
  gradings?: number;
  /** The last verdict in short. */
  last?: { at: string; passed: number; of: number; failing: FailingCheck[] };
  /** How many of the lesson's general hints were shown. */
  hintsShown?: number;
  /** The beliefs whose own hint was shown. */
  beliefsHinted?: string[];
}

export interface FailingCheck {
  readonly check: string;
  readonly diagnosis?: string;
  readonly belief?: string;
  readonly hint?: string;
  readonly readme?: string;
}

export interface Progress {
  readonly version: 1;
  readonly lessons: Record<string, LessonProgress>;
}

const file = () => join(workFolder, "progress.json");

/** @throws EnvironmentTrouble when the file is there and cannot be understood; nothing is overwritten then */
export function readProgress(): Progress {
  let text: string;
  try {
    text = readFileSync(file(), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { version: 1, lessons: {} };
    throw trouble("read", error as Error);
  }
  try {
    const progress = JSON.parse(text) as Progress;
    if (progress.version !== 1 || typeof progress.lessons !== "object")
      throw new Error("it is of another version");
    return progress;
  } catch (error) {
    throw trouble("understood", error as Error);
  }
}

/** Changes the progress of one lesson. */
export function updateProgress(lesson: string, change: (progress: LessonProgress) => LessonProgress): void {
  const progress = readProgress();
  progress.lessons[lesson] = change(progress.lessons[lesson] ?? {});
  try {
    mkdirSync(dirname(file()), { recursive: true });
    writeFileAtomic.sync(file(), `${JSON.stringify(progress, null, 2)}\n`);
  } catch (error) {
    throw trouble("written", error as Error);
  }
}

function trouble(verb: string, error: Error): EnvironmentTrouble {
  return new EnvironmentTrouble(
    `Your progress in ${file()} cannot be ${verb}: ${error.message}.`,
    verb === "understood"
      ? "Repair that file, or move it away to begin afresh. Your exercises are not touched by this."
      : "See that the folder is writable and the disk is not full.",
    { cause: error },
  );
}
