// The short form of `npm run soak`: every program of the first lesson once, on a machine that is kept busy.
import { expect, test } from "vitest";
import { gradings, soak } from "../../checker/bench/soaking.ts";
import { allLessons } from "../../checker/course/lessons.ts";

test("a busy machine changes no verdict", { timeout: 900_000 }, async () => {
  const programs = allLessons().slice(0, 1).flatMap(gradings);
  expect((await soak(programs, 1)).differences).toEqual([]);
});
