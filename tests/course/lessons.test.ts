// A lesson is only as good as its grader. For every lesson, found by its folder: the starter fails and says what is to do, the solution
// and every alternative pass, every mistake is failed with exactly its diagnosis. The solution is graded by the real command, all else by
// the watch's processes. A mistake is graded here by the check that must fail. That no other check has a diagnosis for it was seen by
// `npm run soak`, which notes for which state of the lesson that is so.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { serverLacks, soakedFile, stateOf } from "../../checker/bench/soaking.ts";
import { allLessons, readHints, readReadme } from "../../checker/course/lessons.ts";
import { referenceFile, starterOf } from "../../checker/course/starter.ts";
import { isFromTheWire } from "../../checker/kit/evidence.ts";
import { WarmGraders } from "../../checker/watch/warm-graders.ts";
import { graded } from "./command.ts";

const lessons = allLessons();
const graders = new WarmGraders();
afterAll(() => graders.close());

test("there is at least one lesson", () => {
  expect(lessons.length).toBeGreaterThan(0);
});

/** Beliefs that show where no program of the learner's says anything to a server, and why. */
const offTheWire: Readonly<Record<string, string>> = {
  "another-lab": "what was found is given as plain values; the program asks nothing",
  "saved-is-selected": "the program names the arguments; the nats CLI saves the context",
  "saved-is-right": "the program names the arguments; the nats CLI saves the context",
};

describe.concurrent.each(lessons)("$id", (lesson) => {
  const filesIn = (folder: string) => {
    const path = join(lesson.solutions, folder);
    return existsSync(path)
      ? readdirSync(path)
          .filter((name) => name.endsWith(".ts"))
          .sort()
      : [];
  };

  test("exercise.ts is the starter of the solution", () => {
    expect(readFileSync(lesson.exercise, "utf8").replaceAll("\r\n", "\n")).toBe(starterOf(lesson));
  });

  test("the checks know the exercise by its types only", () => {
    const imports = readFileSync(lesson.checks, "utf8").match(/^import [^;]*exercise\.ts";$/gm) ?? [];
    for (const line of imports) expect(line).toMatch(/^import type /);
  });

  test("the front matter is complete", () => {
    const { matter } = readReadme(lesson);
    expect(matter.title).not.toBe("");
    expect(matter.summary).toMatch(/\.$/);
    expect(matter.concepts.length).toBeGreaterThan(0);
  });

  test("there are hints, and none of them in the README", () => {
    const hints = readHints(lesson);
    expect(hints.length).toBeGreaterThanOrEqual(3);
    for (const hint of hints) expect(readFileSync(lesson.readme, "utf8")).not.toContain(hint.slice(0, 40));
  });

  test("the starter compiles, fails every check, and says what is to do", async () => {
    const verdict = await graders.graded(lesson, lesson.exercise);
    expect(verdict).toMatchObject({ status: "fail", typeErrors: [] });
    for (const check of verdict.tests) {
      if (serverLacks(check, verdict)) continue;
      expect(check, check.name).toMatchObject({ status: "fail" });
      expect(check.message, check.name).toMatch(/still to be written/);
    }
  });

  test("the solution passes", async () => {
    expect(await graded(lesson.id, referenceFile(lesson))).toMatchObject({ exit: 0, status: "pass" });
  });

  test("as they are, all programs had their verdicts by all checks", () => {
    const what = `npm run soak -- --times 1 --lesson ${lesson.id} sees to it`;
    expect(existsSync(soakedFile(lesson)), what).toBe(true);
    expect(readFileSync(soakedFile(lesson), "utf8").trim(), what).toBe(stateOf(lesson));
  });

  test("there are at least two alternatives and five mistakes", () => {
    expect(filesIn("alternatives").length).toBeGreaterThanOrEqual(2);
    expect(filesIn("mistakes").length).toBeGreaterThanOrEqual(5);
  });

  test.each(filesIn("alternatives"))("the alternative %s passes", async (name) => {
    const verdict = await graders.graded(lesson, join(lesson.solutions, "alternatives", name));
    const judged = verdict.tests.filter((check) => !serverLacks(check, verdict));
    expect(judged.filter((check) => check.status !== "pass")).toEqual([]);
    expect(verdict).toMatchObject({ status: "pass", typeErrors: [] });
  });

  test.for(filesIn("mistakes"))(
    "the mistake %s is failed with exactly its diagnosis",
    async (name, context) => {
      const file = join(lesson.solutions, "mistakes", name);
      const [, id, check] =
        /^\/\/ Mistake: (\S+)\r?\n\/\/ Fails: (.+)$/m.exec(readFileSync(file, "utf8")) ?? [];
      expect(id, "the first line names the belief: // Mistake: id").toBeDefined();
      const verdict = await graders.graded(lesson, file, check);
      const own = verdict.tests.find((test) => test.name === check);
      // On such a server nobody can see the mistake: the check is left out, and says so.
      if (own && serverLacks(own, verdict)) context.skip(`its check ${own.message}`);
      expect(verdict).toMatchObject({ status: "fail", typeErrors: [] });
      const diagnosed = verdict.tests.filter((test) => test.diagnosis !== undefined);
      expect(diagnosed.map((test) => [test.name, test.diagnosis])).toEqual([[check, id]]);
      const [found] = diagnosed;
      const evidence = found?.evidence ?? [];
      if (offTheWire[id ?? ""]) expect(evidence.length, "the diagnosis shows evidence").toBeGreaterThan(0);
      else
        expect(
          evidence.filter(isFromTheWire).length,
          `the diagnosis shows events on the wire, beside: ${evidence}`,
        ).toBeGreaterThan(0);
      expect(anchors(readFileSync(lesson.readme, "utf8")), "the README puts it right").toContain(
        found?.readme,
      );
    },
  );
});

/** The anchors of a README's headings, as GitHub makes them. */
function anchors(markdown: string): string[] {
  return markdown
    .split("\n")
    .filter((line) => /^#{1,6} /.test(line))
    .map((line) =>
      line
        .replace(/^#+ /, "")
        .trim()
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, "")
        .replaceAll(" ", "-"),
    );
}
