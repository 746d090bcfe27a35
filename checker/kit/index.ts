// What a lesson's checks.ts imports.
export { expect } from "vitest";
export { exercise } from "./check.ts";
export { pace } from "./clock.ts";
export { Finding } from "./finding.ts";
export { gate, hang, hook } from "./hook.ts";
export type { Belief } from "./stage.ts";
