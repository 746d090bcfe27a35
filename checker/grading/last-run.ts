// Keeps what the last run of each lesson did on the wire, so that it can be looked at after the verdict.
import { mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import writeFileAtomic from "write-file-atomic";
import type { Lesson } from "../course/lessons.ts";
import { workFolder } from "../course/places.ts";
import type { SavedJournal } from "../wire/journal.ts";
import type { Graded } from "./grade.ts";
import type { TestResult } from "./verdict.ts";

export interface LastRun {
  readonly format: "learn-nats run";
  readonly version: 1;
  readonly lesson: Lesson["id"];
  /** When it was graded, ISO 8601. */
  readonly at: string;
  /** The file that was graded. */
  readonly file: string;
  /** Why no check could begin. */
  readonly message?: string;
  readonly checks: readonly RunCheck[];
}

/** A check of that run; without a journal when it was skipped. */
export interface RunCheck extends Pick<TestResult, "name" | "status" | "message" | "durationMs"> {
  readonly journal?: SavedJournal;
}

/** Events of one check that are kept: far more than a timeline shows, and little enough to be read in no time. */
const mostEvents = 2_000;
/** Length of the whole file. Events can carry long headers; then fewer of them are kept. */
const mostCharacters = 4_000_000;

const fileOf = (lesson: Lesson) => join(workFolder, "last", `${lesson.id}.json`);

/** Writes the run down, whole or not at all. A full disk or a read-only folder costs the timeline, never the verdict. */
export function keepRun(lesson: Lesson, graded: Graded): void {
  try {
    const file = fileOf(lesson);
    mkdirSync(dirname(file), { recursive: true });
    writeFileAtomic.sync(file, bounded(lesson, graded));
  } catch {
    // The timeline of the run before, or none, is what `npm run timeline` then has; it says of when it is.
  }
}

function bounded(lesson: Lesson, graded: Graded): string {
  for (let most = mostEvents; ; most = Math.floor(most / 2)) {
    const text = JSON.stringify(runOf(lesson, graded, most));
    if (text.length <= mostCharacters || most === 0) return text;
  }
}

function runOf(lesson: Lesson, { verdict, journals }: Graded, most: number): LastRun {
  return {
    format: "learn-nats run",
    version: 1,
    lesson: lesson.id,
    at: new Date().toISOString(),
    file: verdict.file,
    ...(verdict.message && { message: verdict.message }),
    checks: verdict.tests.map(({ name, status, message, durationMs }) => {
      const journal = journals.get(name);
      return {
        name,
        status,
        ...(message && { message }),
        durationMs,
        ...(journal && { journal: shortened(journal.save(), most) }),
      };
    }),
  };
}

/** The beginning and the end of a journal, as the journal itself does when a run is too long for it. */
function shortened(journal: SavedJournal, most: number): SavedJournal {
  const { events, leftOut } = journal;
  const half = Math.ceil(most / 2);
  if (events.length <= 2 * half) return journal;
  return {
    ...journal,
    events: [...events.slice(0, half), ...events.slice(events.length - half)],
    leftOut: leftOut + events.length - 2 * half,
  };
}

/** The last run of a lesson; undefined when there was none, or what is there cannot be read by this version of the course. */
export function lastRun(lesson: Lesson): LastRun | undefined {
  try {
    const run = JSON.parse(readFileSync(fileOf(lesson), "utf8")) as LastRun;
    return run.format === "learn-nats run" && run.version === 1 && Array.isArray(run.checks)
      ? run
      : undefined;
  } catch {
    return undefined;
  }
}
