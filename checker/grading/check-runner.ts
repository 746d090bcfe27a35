// How vitest gets at a lesson's checks: Node imports the built file, anew for each run in this process. And how it tells that one has ended.
import { pathToFileURL } from "node:url";
import { type RunnerTestCase, TestRunner } from "vitest";
import { checkEnded } from "./check-ends.ts";

let runs = 0;

export default class CheckRunner extends TestRunner {
  /** vitest's own way needs a hook in Node's module loader, and in Node 20 that is a thread of its own. */
  override importFile(file: string): unknown {
    return import(`${pathToFileURL(file).href}?run=${++runs}`);
  }

  override onAfterRunTask(test: RunnerTestCase): void {
    super.onAfterRunTask(test);
    const { state, errors = [], duration = 0 } = test.result ?? {};
    if (state !== "pass" && state !== "fail") return;
    checkEnded({
      name: test.name,
      state: state === "pass" ? "passed" : "failed",
      errors: errors.map(({ message, name }) => ({ message, ...(name && { name }) })),
      durationMs: Math.round(duration),
    });
  }
}
