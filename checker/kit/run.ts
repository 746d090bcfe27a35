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
  /** Trouble of the environment, in any check. */
  readonly troubles: EnvironmentTrouble[];
  /** What each check saw on the wire, by its name. */
  readonly journals: Map<string, Journal>;
}

export interface RunOptions {
  readonly unfit?: FindingParts;
  readonly recorded?: boolean;
}

let run: Run | undefined;

/**
 * Begins a run.
 * @param exercise the bundled program
 * @param source the file that the learner wrote, for its line numbers
 */
export function beginRun(exercise: string, source: string, { unfit, recorded = true }: RunOptions = {}): Run {
  setExerciseFile(source);
  run = { exercise, recorded, unfit, findings: new Map(), troubles: [], journals: new Map() };
  return run;
}

export function currentRun(): Run {
  if (!run) throw new Error("beginRun() must come before the first check.");
  return run;
}
