// The way by which a check's end is told at once: vitest tells its reporters ten times a second.
import type { CheckResult } from "./engine.ts";

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
