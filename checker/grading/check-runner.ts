// How vitest gets at a lesson's checks: Node imports the built file, anew for each run in this process. And how it tells that one has ended.
import { pathToFileURL } from "node:url";
import { type RunnerTask, type RunnerTestCase, type RunnerTestSuite, TestRunner } from "vitest";
import { checkEnded } from "./check-ends.ts";

let runs = 0;

/** How long each check took when it was last run in this process, in milliseconds. */
const took = new Map<string, number>();
/** Of the checks that begin first, so many are those that take longest; else one of them begins last, and all wait for it. */
const longest = 2;

export default class CheckRunner extends TestRunner {
  /** vitest's own way needs a hook in Node's module loader, and in Node 20 that is a thread of its own. */
  override importFile(file: string): unknown {
    return import(`${pathToFileURL(file).href}?run=${++runs}`);
  }

  /** Here the order of running can change; that of the verdict is known to vitest already, and stays. */
  override async onBeforeRunSuite(suite: RunnerTestSuite): Promise<void> {
    await super.onBeforeRunSuite(suite);
    // What was not run yet in this process is known by what it asks for.
    const known = suite.tasks.some(({ name }) => took.has(name));
    const lasts = ({ name, meta }: RunnerTask) => (known ? took.get(name) : meta.budgetMs) ?? 0;
    const slow = suite.tasks
      .filter((task) => lasts(task) > 0)
      .sort((a, b) => lasts(b) - lasts(a))
      .slice(0, longest);
    suite.tasks = [...slow, ...suite.tasks.filter((task) => !slow.includes(task))];
  }

  override onAfterRunTask(test: RunnerTestCase): void {
    super.onAfterRunTask(test);
    const { state, errors = [], duration = 0 } = test.result ?? {};
    if (state !== "pass" && state !== "fail") return;
    took.set(test.name, duration);
    checkEnded({
      name: test.name,
      state: state === "pass" ? "passed" : "failed",
      errors: errors.map(({ message, name }) => ({ message, ...(name && { name }) })),
      durationMs: Math.round(duration),
    });
  }
}
