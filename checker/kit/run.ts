// The run that checks belong to: which exercise they grade, and what they found.
import type { EnvironmentTrouble } from "../course/errors.ts";
import type { Journal } from "../wire/journal.ts";
import type { FindingParts } from "./finding.ts";
import { setExerciseFile } from "./source-lines.ts";

export interface Run {
  /** The bundled exercise that programs load. */
  readonly exercise: string;
  /** Whether programs are recorded. If not, checks that rest on it are skipped: only tests of the recorder do without. */
  readonly recorded: boolean;
  /** Why the file cannot be run at all: then no check starts a program, and every check says so. */
  unfit: FindingParts | undefined;
  /** What each failed check found, by its name. */
  readonly findings: Map<string, FindingParts & { output?: string }>;
  /** The first trouble of the environment, in any check. */
  trouble?: EnvironmentTrouble;
  /** What each check saw on the wire, by its name. */
  readonly journals: Map<string, Journal>;
  /** Aborted when nobody wants the verdict any more: the checks end at once. */
  readonly dropped: AbortSignal | undefined;
  /** The name of the one check that is played; undefined: all are. */
  readonly only: string | undefined;
  /** Checks that were played on the server that NATS_URL names. */
  readonly borrowed: Set<string>;
  /** Why others were not, where it is not for what they do to a server. */
  notBorrowed?: string;
}

export interface RunOptions {
  /** Why it cannot be run, if it cannot. */
  readonly unfit?: FindingParts;
  /** Default true. */
  readonly recorded?: boolean;
  /** Aborted when nobody wants the verdict any more. */
  readonly dropped?: AbortSignal | undefined;
  /** The name of the one check that is played. Default: all are. */
  readonly only?: string | undefined;
}

/** What a check of a dropped run ends with; nobody reads it. */
export const droppedRun: FindingParts = { message: "A newer save came, and this grading was dropped." };

let run: Run | undefined;

/**
 * Begins a run.
 * @param exercise the bundled program
 * @param source the file that the learner wrote, for its line numbers
 */
export function beginRun(
  exercise: string,
  source: string,
  { unfit, recorded = true, dropped, only }: RunOptions = {},
): Run {
  setExerciseFile(source);
  run = {
    exercise,
    recorded,
    unfit,
    dropped,
    only,
    findings: new Map(),
    journals: new Map(),
    borrowed: new Set(),
  };
  return run;
}

export function currentRun(): Run {
  if (!run) throw new Error("beginRun() must come before the first check.");
  return run;
}
