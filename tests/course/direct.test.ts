// The recorder changes no behaviour: a program that connects to the server itself gets the same verdicts.
// A check that judges by what it reads on the wire, or that breaks connections, cannot be made without the recorder: it is skipped, in
// these words. The others judge by what the check's own functions were told and by what the server has; those are compared. What the
// relay does to the bytes themselves stands in tests/wire/relay.test.ts.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { allLessons, type Lesson } from "../../checker/course/lessons.ts";
import { referenceFile } from "../../checker/course/starter.ts";
import type { TestResult } from "../../checker/grading/verdict.ts";
import { command } from "./command.ts";

async function gradedDirectly(lesson: Lesson, file: string): Promise<readonly TestResult[]> {
  const { out, err } = await command(["check", lesson.id, "--file", file, "--json", "--direct"]);
  const { tests } = JSON.parse(out) as { tests?: readonly TestResult[] };
  if (!tests) throw new Error(`No verdict on ${file}: ${out}${err}`);
  return tests;
}

/**
 * Mistakes in checks that are compared, whose belief shows in something else than the wire. Where it shows there alone, the same check
 * fails without the recorder, too, but cannot say why.
 */
const compared = [
  "01-at-most-once/silence-is-empty.ts",
  "02-streams/default-discard.ts",
  "03-acks/bare-nak.ts",
  "04-sequences/default-window.ts",
  "05-queue-groups/consumer-without-a-name.ts",
  "06-rate-limits/awaits-in-the-loop.ts",
  "07-push-vs-pull/durable-screen.ts",
];

const rests = (check: TestResult) =>
  check.status === "skip" && /^cannot do without the recorder/.test(check.message ?? "");
const serverLacks = (check: TestResult) =>
  check.status === "skip" && /^needs nats-server/.test(check.message ?? "");

// What the verdicts are with the recorder is held by lessons.test.ts: the solution passes, a mistake has the diagnosis in its header.
describe.each(allLessons())("$id without the recorder", (lesson) => {
  test("passes the solution in every check that can do without", async () => {
    const direct = await gradedDirectly(lesson, referenceFile(lesson));
    const made = direct.filter((check) => !rests(check) && !serverLacks(check));
    expect(made.length).toBeGreaterThan(0);
    expect(made.filter(({ status }) => status !== "pass")).toEqual([]);
  });

  const own = compared
    .filter((path) => path.startsWith(`${lesson.folder}/`))
    .map((path) => path.split("/")[1] ?? "");

  test.each(own)("has the same diagnosis for the mistake %s", async (name) => {
    const file = join(lesson.solutions, "mistakes", name);
    const [, diagnosis, check] =
      /^\/\/ Mistake: (\S+)\r?\n\/\/ Fails: (.+)$/m.exec(readFileSync(file, "utf8")) ?? [];
    const direct = await gradedDirectly(lesson, file);
    expect(direct.find((each) => each.name === check)).toMatchObject({ status: "fail", diagnosis });
  });
});
