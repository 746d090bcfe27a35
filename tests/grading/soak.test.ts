// The short form of `npm run soak`: the first lesson's solution and some of its mistakes, in a round as the first and in a busy one.
import { join } from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
import { gradings, type KnownGrading, soak } from "../../checker/bench/soaking.ts";
import { allLessons } from "../../checker/course/lessons.ts";
import { root } from "../../checker/course/places.ts";

const [first] = allLessons();
const programs = first ? gradings(first).filter((_, index) => index % 12 === 0) : [];

test("a busy machine changes no verdict, by all checks and by a mistake's own", {
  timeout: 900_000,
}, async () => {
  expect(programs.length).toBeGreaterThan(2);
  const { count, differences } = await soak(programs, 2);
  expect(differences).toEqual([]);
  expect(count).toBe(2 * programs.length);
});

test("a verdict that is not the known one is told in each round", { timeout: 900_000 }, async () => {
  const mistake = programs.find(({ fails }) => fails) as Required<KnownGrading>;
  const told = (await soak([{ ...mistake, fails: { ...mistake.fails, diagnosis: "another" } }], 2))
    .differences;
  expect(told.map((each) => each.split(":")[0])).toEqual(["round 1", "round 2, busy"]);
  for (const each of told) expect(each).toContain("expected another in");
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
