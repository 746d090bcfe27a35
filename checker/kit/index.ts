// What a lesson's checks.ts imports.
export { expect } from "vitest";
export { labSeed, newLabSeed } from "../course/lab-seed.ts";
export type { EventOf, WireEvent } from "../wire/events.ts";
export type { Wrote } from "./channel.ts";
export { exercise, type Fail, type Lasting, type Until, type Waiting } from "./check.ts";
export type { CheckCluster } from "./check-cluster.ts";
export type { CheckServer } from "./check-server.ts";
export { pace } from "./clock.ts";
export { settingLine, wireLine } from "./evidence.ts";
export { Finding } from "./finding.ts";
export { gate, type Hook, hang, hook } from "./hook.ts";
export { labServer } from "./lab.ts";
export type { LearnerProgram } from "./program.ts";
export { randomFrom } from "./random.ts";
export type { Belief } from "./stage.ts";
export { subjectMatches } from "./subjects.ts";
