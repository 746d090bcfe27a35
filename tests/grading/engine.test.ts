// The engine in a process that runs checks again and again, as the watch does.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, expect, test } from "vitest";
import { root } from "../../checker/course/places.ts";
import type { EngineResult } from "../../checker/grading/engine.ts";

const own = join(root, ".learn-nats");
mkdirSync(own, { recursive: true });
const folder = mkdtempSync(join(own, "test-engine-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("what a library prints, or does not catch, stops no run: not this one, and not the next", async () => {
  const file = join(folder, "checks-that-leave-something.mjs");
  writeFileSync(
    file,
    `import { test } from "vitest";
test("prints", () => console.log("printed by a library"));
test("leaves a rejection", async () => {
  void Promise.reject(new Error("nobody catches this"));
  await new Promise((resolve) => setTimeout(resolve, 1));
});
`,
  );
  const { stdout } = await execa(
    process.execPath,
    ["--import", "tsx", join(root, "tests", "grading", "run-twice.ts"), file],
    { cwd: root },
  );
  // Standard output is the verdict's alone.
  const runs: EngineResult[] = JSON.parse(stdout);
  expect(runs).toHaveLength(2);
  for (const { checks, troubles } of runs) {
    expect(checks.map(({ name, state }) => [name, state])).toEqual([
      ["prints", "passed"],
      ["leaves a rejection", "passed"],
    ]);
    expect(troubles).toEqual(["nobody catches this"]);
  }
});
