// `npm run solution`: only what separates the learner's file from the reference, in the width of the terminal.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { wrapCode } from "../../checker/cli/text.ts";
import { findLesson } from "../../checker/course/lessons.ts";
import { readableSolution } from "../../checker/course/starter.ts";
import { type CourseCopy, copyOfCourse } from "./copy.ts";

let course: CourseCopy;
beforeAll(() => {
  course = copyOfCourse();
});
afterAll(() => course.remove());

const exercise = () => join(course.path, "lessons", "02-streams", "exercise.ts");

test("the starter's advice on how to begin is no difference", async () => {
  expect(readFileSync(exercise(), "utf8")).toContain("// With npm start open");
  const { status, out } = await course.run(["solution", "lesson-02", "--yes"]);
  expect(status).toBe(0);
  expect(out).toContain("still to be written");
  expect(out).not.toContain("With npm start open");
});

test("no line is wider than the terminal", async () => {
  const { out } = await course.run(["solution", "lesson-02", "--yes"], { env: { COLUMNS: "60" } });
  const shown = out.split("\nThe reference:")[0]?.split("\n") ?? [];
  expect(shown.length).toBeGreaterThan(20);
  expect(shown.filter((line) => line.length > 60)).toEqual([]);
});

test("to whoever wrote the reference it says so", async () => {
  writeFileSync(exercise(), readableSolution(findLesson("02")));
  const { out } = await course.run(["solution", "lesson-02", "--yes"]);
  expect(out).toContain("to the letter");
});

test("a line is broken at its spaces, and what goes on keeps the sign", () => {
  expect(wrapCode("+  const a = one + two + three;", 20)).toEqual([
    "+  const a = one +",
    "+      two + three;",
  ]);
  expect(wrapCode(`-${"x".repeat(30)}`, 20)).toEqual([`-${"x".repeat(30)}`]);
  expect(wrapCode(" short", 20)).toEqual([" short"]);
});
