// The short form of `npm run soak`: the first lesson's solution and some of its mistakes, once, on a machine that is kept busy.
import { join } from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
import { gradings, soak } from "../../checker/bench/soaking.ts";
import { allLessons } from "../../checker/course/lessons.ts";
import { root } from "../../checker/course/places.ts";

test("a busy machine changes no verdict", { timeout: 900_000 }, async () => {
  const [first] = allLessons();
  const programs = first ? gradings(first).filter((_, index) => index % 10 === 0) : [];
  expect(programs.length).toBeGreaterThan(2);
  expect((await soak(programs, 1)).differences).toEqual([]);
});

test.each([
  ["soak", ["--times", "often"], /'often' is invalid/],
  ["soak", ["--lesson", "99"], /no lesson "99"/],
  ["main", ["chek"], /'chek' is invalid/],
  ["main", ["classroom", "--learners", "0"], /'0' is invalid/],
  ["main", ["classroom", "--fault", "fire"], /'fire' is invalid/],
])("%s %s grades and measures nothing, and says why", async (script, args, why) => {
  const { exitCode, stdout, stderr } = await execa(
    process.execPath,
    ["--import", "tsx", join(root, "checker", "bench", `${script}.ts`), ...args],
    { cwd: root, reject: false },
  );
  expect(exitCode).toBe(2);
  expect(stderr).toMatch(why);
  expect(stdout).toBe("");
});
