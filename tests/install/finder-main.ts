// A process of its own that finds a program and prints what happens, one JSON value a line: for tests that kill it, or
// start ten of it at once.
import { EnvironmentTrouble } from "../../checker/course/errors.ts";
import { findProgram, type ProgramName } from "../../checker/nats/install/find.ts";

try {
  const begun = performance.now();
  const onProgress = (event: object) => console.log(JSON.stringify(event));
  const found = await findProgram(process.argv[2] as ProgramName, { onProgress });
  console.log(JSON.stringify({ kind: "found", ...found, tookMs: performance.now() - begun }));
} catch (error) {
  if (!(error instanceof EnvironmentTrouble)) throw error;
  console.log(JSON.stringify({ kind: "trouble", message: error.message, advice: error.advice }));
  process.exitCode = 3;
}
