// Whatever a program does, its verdict comes, says what it did, keeps the other checks' results, and leaves nothing on the machine.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, describe, expect, test } from "vitest";
import { root } from "../../checker/course/places.ts";
import type { Verdict } from "../../checker/grading/verdict.ts";
import { leftoversOf, within } from "./leftovers.ts";
import { asMarkdown, type Row, rows } from "./table.ts";

const folder = mkdtempSync(join(tmpdir(), "misbehaviour-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The longest budget of a check in the table is 15 seconds, most have 10; in milliseconds, on an idle machine. */
const longestMs = 12_000;
const rowsAtOnce = 2;

/** How many more programs want a processor than there are processors, on average while something is done; at least 1. */
function crowd(): () => number {
  const seen: number[] = [];
  const look = () => {
    const running =
      process.platform === "linux"
        ? Number(/ (\d+)\//.exec(readFileSync("/proc/loadavg", "latin1"))?.[1])
        : (loadavg()[0] ?? 1);
    seen.push(running / availableParallelism());
  };
  const timer = setInterval(look, 100);
  return () => {
    clearInterval(timer);
    look();
    return Math.max(1, seen.reduce((sum, each) => sum + each, 0) / seen.length);
  };
}

/** Lets so many rows run at once. */
const lanes: Promise<unknown>[] = [];
function inLane<T>(index: number, work: () => Promise<T>): Promise<T> {
  const done = (lanes[index % rowsAtOnce] ?? Promise.resolve()).then(work);
  lanes[index % rowsAtOnce] = done.catch(() => {});
  return done;
}

async function run({ program, lesson = "lesson-01" }: Row, name: string) {
  const home = join(folder, name);
  const tmp = join(home, "tmp");
  mkdirSync(tmp, { recursive: true });
  let file = join(home, "exercise.ts");
  if (typeof program === "string") writeFileSync(file, program);
  else file = program(home);
  const crowded = crowd();
  const checker = execa(
    process.execPath,
    [join(root, "checker", "main.mjs"), "check", lesson, "--file", file, "--json"],
    { cwd: root, reject: false, stdin: "ignore", env: { TMPDIR: tmp, TEMP: tmp } },
  );
  const { exitCode, stdout, stderr } = await checker;
  const left = () => leftoversOf(checker.pid as number, tmp);
  // The reaper and the kernel may need a moment more.
  const pace = 2 * crowded();
  await within(2_000 * pace, () => left().length === 0);
  let verdict: Verdict & { usage?: boolean };
  try {
    verdict = JSON.parse(stdout);
  } catch {
    throw new Error(`No verdict: exit ${exitCode}\n${stdout}\n${stderr}`);
  }
  return { exit: exitCode, verdict, left: left(), pace };
}

describe.concurrent("a program", () => {
  for (const [index, row] of rows.entries()) {
    const skip = row.notAsRoot === true && process.getuid?.() === 0;
    test.skipIf(skip)(row.does, { timeout: 900_000 }, async () => {
      const { exit, verdict, left, pace } = await inLane(index, () => run(row, String(index)));
      const tests = verdict.tests ?? [];
      const found = Object.fromEntries(
        tests
          .filter((each) => each.status !== "pass")
          .map((each) => [each.name, each.diagnosis ?? each.message]),
      );
      const expected =
        typeof row.diagnoses === "string"
          ? Object.fromEntries(tests.map((each) => [each.name, row.diagnoses]))
          : (row.diagnoses ?? {});
      expect({ exit, status: verdict.status, found, left }).toEqual({
        exit: row.exit,
        status: row.status,
        found: expected,
        left: [],
      });
      if (row.diagnoses !== undefined) expect(tests.length).toBeGreaterThan(1);
      if (row.exit === 2) expect(verdict.usage).toBe(true);
      const failed = tests.filter((each) => each.status !== "pass");
      if (row.says) {
        for (const words of failed.length ? failed.map((each) => each.message) : [verdict.message])
          expect(words).toContain(row.says);
      }
      if (row.line !== undefined)
        for (const { location } of failed)
          if (location || !row.lineIsLuck) expect(location).toMatchObject({ line: row.line });
      for (const { durationMs } of tests) expect(durationMs).toBeLessThan(longestMs * pace);
      if (row.typeError) {
        const { says, line, column } = row.typeError;
        expect(verdict.typeErrors).toEqual([{ message: says, line, column }]);
      } else if (row.status !== "error") expect(verdict.typeErrors).toEqual([]);
    });
  }
});

test("CONTRIBUTING.md shows this table", () => {
  expect(readFileSync(join(root, "CONTRIBUTING.md"), "utf8")).toContain(asMarkdown());
});
