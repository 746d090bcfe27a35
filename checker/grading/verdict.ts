// The verdict on one exercise. Its shape is a contract: it is what `--json` prints, and extends the Exercism test-runner results, version 3.

export interface TestResult {
  readonly name: string;
  readonly status: "pass" | "fail" | "error" | "skip";
  /** What was seen, what was expected and why; or why the check was skipped. */
  readonly message?: string;
  /** What the program printed during this check. */
  readonly output?: string;
  /** The stable id of the belief or the misbehaviour. */
  readonly diagnosis?: string;
  readonly evidence?: readonly string[];
  /** The anchor in the lesson's README where this is put right, without `#`. */
  readonly readme?: string;
  /** The learner's own line, counted from 1. */
  readonly location?: { readonly line: number; readonly column: number };
  readonly durationMs: number;
}

export interface Verdict {
  readonly version: 3;
  readonly status: "pass" | "fail" | "error";
  /** No check could be run here: it says nothing about the exercise. Then `status` is "error", and `message` says what is missing. */
  readonly environment?: true;
  readonly message?: string;
  readonly lesson: { readonly id: string; readonly title: string };
  readonly file: string;
  readonly server: { readonly version: string; readonly source: string };
  readonly durationMs: number;
  readonly typeErrors: readonly {
    readonly message: string;
    readonly line: number;
    readonly column: number;
  }[];
  readonly tests: readonly TestResult[];
}

/** What is printed with `--json` when there is no verdict because the environment could not serve. */
export interface NoVerdict {
  readonly version: 3;
  readonly status: "error";
  readonly environment?: true;
  readonly usage?: true;
  readonly message: string;
}

/** The exit statuses of the contract. */
export const exitStatus = { passed: 0, notYet: 1, usage: 2, environment: 3, interrupted: 130 } as const;
