// What a rung of the ladder is: one way to come by a program.
import type { InstallEvent, Source } from "../events.ts";
import type { Program, ProgramName } from "../programs.ts";

export interface FoundProgram {
  readonly path: string;
  readonly version: string;
  /** The rung that served. Once installed, a program is found in the cache. */
  readonly source: Source;
}

/** Why a rung does not serve, in one line, and what would change that. */
export interface Refusal {
  readonly source: Source;
  readonly reason: string;
  readonly mend?: string;
}

/** A rung that finds what is already on this machine. */
export interface LookingRung {
  readonly source: Source;
  look(program: Program): Promise<FoundProgram | Refusal>;
}

export interface Installation {
  readonly program: Program;
  /** A new empty folder on the cache's disk; deleted afterwards unless it was moved into place. */
  newStage(): Promise<string>;
  /** Says something of this rung's progress. */
  report(event: ProgressOf<InstallEvent>): void;
  readonly limits: Limits;
}

/** An event without what the ladder fills in. */
type ProgressOf<E> = E extends { kind: "started" | "bytes" } ? Omit<E, "program" | "source"> : never;

/** A rung that brings the program into the cache. */
export interface InstallingRung {
  readonly source: Source;
  /** The version that this rung brings; undefined where only trying tells. */
  version(program: Program): string | undefined;
  /** @throws InstallFailure when it cannot serve; the ladder goes on */
  install(installation: Installation): Promise<FoundProgram>;
  /** Whether it would serve, without installing: looks for tools, asks the network whether it is there. */
  foresee(program: Program, limits: Limits): Promise<{ readonly detail: string } | Refusal>;
}

/** How long the network may take; all in milliseconds. Tests shorten them. */
export interface Limits {
  /** Until a connection stands. undici's timers are up to 500 ms late, and no network may cost two seconds at most. */
  readonly connectMs: number;
  /** Until the answer begins. */
  readonly answerMs: number;
  /** A transfer that moves fewer than 16 KiB within this time has stalled. */
  readonly stallMs: number;
  /** For a tool that installs: `go install` on a slow machine. */
  readonly toolMs: number;
}

export const defaultLimits: Limits = {
  connectMs: 1_500,
  answerMs: 10_000,
  stallMs: 15_000,
  toolMs: 10 * 60_000,
};

/** What `doctor` shows of one rung. */
export interface RungReport {
  readonly program: ProgramName;
  readonly source: Source;
  /** `used` is what a run takes now; `usable` would serve if none above it did. */
  readonly state: "used" | "usable" | "unusable";
  readonly path?: string;
  readonly version?: string;
  /** One line: what was found, or why it does not serve. */
  readonly detail: string;
  /** What would make it serve: a command, where there is one. */
  readonly mend?: string;
}

export function isRefusal<T extends object>(answer: T | Refusal): answer is Refusal {
  return "reason" in answer;
}
