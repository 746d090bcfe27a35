// The short form of `npm run soak`: the right programs of the first lesson, and every fourth mistake, once, on a machine that is kept busy.
import { expect, test } from "vitest";
import { gradings, soak } from "../../checker/bench/soaking.ts";
import { allLessons } from "../../checker/course/lessons.ts";

test("a busy machine changes no verdict", { timeout: 900_000 }, async () => {
  const [first] = allLessons();
  const programs = first ? gradings(first).filter(({ fails }, index) => !fails || index % 4 === 0) : [];
  expect(programs.length).toBeGreaterThan(5);
  expect((await soak(programs, 1)).differences).toEqual([]);
});
