// What a learner has done so far: kept in one file beside the course, written whole or not at all, by one process at a time.
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import writeFileAtomic from "write-file-atomic";
import { EnvironmentTrouble } from "./errors.ts";
import { workFolder } from "./places.ts";

export interface LessonProgress {
  /** When it was first graded, ISO 8601. */
  startedAt?: string;
  /** When it was first passed, ISO 8601. */
  passedAt?: string;
  /** What the lesson's checks were when it was last passed: see checks-state.ts. */
  passedChecks?: string;
  gradings?: number;
  /** Gradings until the first pass. */
  gradingsToPass?: number;
  /** Time spent on it until the first pass, without long breaks, in milliseconds. */
  workMs?: number;
  /** When the learner was last seen at work on it, ISO 8601. */
  seenAt?: string;
  /** The last verdict in short. */
  last?: { at: string; passed: number; of: number; failing: FailingCheck[] };
  /** How many of the lesson's general hints were shown. */
  hintsShown?: number;
  /** The beliefs whose own hint was shown. */
  beliefsHinted?: string[];
  /** The beliefs that the learner's programs showed, by their ids. */
  beliefs?: Record<string, HeldBelief>;
}

export interface FailingCheck {
  readonly check: string;
  readonly diagnosis?: string;
  readonly belief?: string;
  readonly hint?: string;
  readonly readme?: string;
}

/** A belief that a check recognised in the learner's program. */
export interface HeldBelief {
  /** In the words of someone who holds it. */
  readonly belief: string;
  /** The check that recognised it. */
  readonly check: string;
  /** The heading in the lesson's README that puts it right, as an anchor without `#`. */
  readonly readme?: string;
  /** When it first showed, ISO 8601. */
  readonly heldAt: string;
  /** In how many gradings it showed. */
  readonly times: number;
  /** When that check first passed afterwards, ISO 8601. */
  readonly putRightAt?: string;
}

export interface Progress {
  readonly version: 1;
  /** The id of the lesson that the watch showed last. */
  current?: string;
  /** By id: those of a newer course that this one does not have are kept as they are. */
  readonly lessons: Record<string, LessonProgress>;
}

const file = () => join(workFolder, "progress.json");

/** A lock whose owner was killed is taken over after this time. */
const staleAfterMs = 2_000;
/** How long to wait for other terminals; each needs the file for a few milliseconds. */
const lockedWithinMs = 20_000;

/** @throws EnvironmentTrouble when the file is there and cannot be understood; nothing is overwritten then */
export function readProgress(): Progress {
  let text: string;
  try {
    text = readFileSync(file(), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { version: 1, lessons: {} };
    throw trouble("read", error as Error);
  }
  let progress: Progress;
  try {
    progress = JSON.parse(text) as Progress;
    if (typeof progress?.lessons !== "object" || progress.lessons === null)
      throw new Error("it holds no lessons");
  } catch (error) {
    throw trouble("understood", error as Error);
  }
  if ((progress.version as number) === 1) return progress;
  throw new EnvironmentTrouble(
    `Your progress in ${file()} was written by a newer version of the course (format ${progress.version}; this one knows 1).`,
    "Bring the course up to date (git pull, npm ci). Nothing was changed.",
  );
}

/** Changes the progress of one lesson. */
export function updateProgress(lesson: string, change: (progress: LessonProgress) => LessonProgress): void {
  update((progress) => {
    progress.lessons[lesson] = change(progress.lessons[lesson] ?? {});
  });
}

/** Remembers the lesson that the learner is at, and that they are at work on it now. */
export function rememberCurrent(lesson: string): void {
  update((progress) => {
    progress.current = lesson;
    progress.lessons[lesson] = { ...progress.lessons[lesson], seenAt: new Date().toISOString() };
  });
}

function update(change: (progress: Progress) => void): void {
  let release: () => void;
  try {
    mkdirSync(dirname(file()), { recursive: true });
    release = lock();
  } catch (error) {
    throw trouble("written", error as Error);
  }
  try {
    const progress = readProgress();
    change(progress);
    write(progress);
  } finally {
    release();
  }
}

function write(progress: Progress): void {
  try {
    writeFileAtomic.sync(file(), `${JSON.stringify(progress, null, 2)}\n`);
  } catch (error) {
    throw trouble("written", error as Error);
  }
}

/** Two terminals change the file one after the other: what one of them wrote is never lost to the other. */
function lock(): () => void {
  // Most commands only read; those that write load the library then, and at once, as only require can.
  const lockfile = createRequire(import.meta.url)("proper-lockfile") as typeof import("proper-lockfile");
  const end = Date.now() + lockedWithinMs;
  for (;;) {
    try {
      const release = lockfile.lockSync(file(), {
        realpath: false,
        stale: staleAfterMs,
        onCompromised: () => {},
      });
      return () => {
        try {
          release();
        } catch {
          // This process stood still for so long that another one took the lock over.
        }
      };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ELOCKED" || Date.now() > end) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
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
