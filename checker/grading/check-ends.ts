// How one check ended, and the way by which its end is told at once: vitest tells its reporters ten times a second.

/** How one check ended, in vitest's eyes. What it found is the kit's to say. */
export interface CheckResult {
  readonly name: string;
  readonly state: "passed" | "failed" | "skipped";
  /** Why it was skipped. */
  readonly note?: string;
  readonly errors: readonly { message: string; name?: string; stack?: string; advice?: string }[];
  readonly durationMs: number;
}

type Listener = (result: CheckResult) => void;

let listener: Listener = () => {};

/** Tells this one from now on, and nobody else. */
export function onCheckEnd(told: Listener): void {
  listener = told;
}

/** A check has ended, a moment ago. */
export function checkEnded(result: CheckResult): void {
  listener(result);
}
