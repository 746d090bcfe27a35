// Two projects. `course` holds the tests of the course itself: `npm test`. `checks` holds the lessons' checks; they
// are run by `npm run check`, which starts vitest itself (checker/grading/engine.ts), and never by `npm test`.
import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** The file that takes as long as all others together begins first: else it runs alone at the end, and a processor waits. */
class LessonsFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isFirst = ({ moduleId }: TestSpecification) => moduleId.endsWith("/lessons.test.ts");
    return [...sorted.filter(isFirst), ...sorted.filter((file) => !isFirst(file))];
  }
}

export default defineConfig({
  test: {
    // vitest leaves a processor to its main process; the tests' work is in the commands that they start, and often they wait.
    sequence: { sequencer: LessonsFirst },
    maxWorkers: Math.max(2, availableParallelism()),
    projects: [
      {
        test: {
          name: "course",
          globalSetup: ["tests/bring-programs.ts"],
          include: ["tests/**/*.test.ts", "checker/**/*.test.ts", "site/**/*.test.ts"],
          // Most take seconds; where other work keeps the machine busy, the same test takes ten times as long.
          testTimeout: 240_000,
          hookTimeout: 240_000,
          // CI's machine is shared and often busy. A test that passes only the second time is marked "retry x1" in the output: look at it.
          retry: process.env.CI ? 1 : 0,
          // Of tests that are marked so: each starts a command that takes both processors at times, and waits at others.
          maxConcurrency: 2,
        },
      },
      { test: { name: "checks", include: ["lessons/*/checks.ts"] } },
    ],
  },
});
