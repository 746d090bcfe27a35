// A learner's first hour in one terminal: from a fresh clone to lesson-03 passed, with mistakes, hints, a reset and an undo on the way.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Progress } from "../../checker/course/progress.ts";
import { type CourseCopy, copyOfCourse } from "../course/copy.ts";
import { Terminal } from "./terminal.ts";

let course: CourseCopy;
beforeEach(() => {
  course = copyOfCourse();
});
afterEach(() => course.remove());

const npm = process.platform === "win32" ? "npm.cmd" : "npm";
type Folder = "01-at-most-once" | "02-streams" | "03-acks";
const exercise = (folder: Folder) => join(course.path, "lessons", folder, "exercise.ts");
const progress = () =>
  JSON.parse(readFileSync(join(course.path, ".learn-nats", "progress.json"), "utf8")) as Progress;

const written = (folder: Folder, ...path: string[]) => course.written(folder, ...path);

test("from the clone to lesson-03 passed, with mistakes, hints, a reset and an undo", async () => {
  const save = (folder: Folder, text: string) => writeFileSync(exercise(folder), text);
  const terminal = new Terminal(npm, ["start"], { cwd: course.path, columns: 80, rows: 45 });
  try {
    await terminal.shows("Read lessons/01-at-most-once/README.md");
    await terminal.shows(/0 of \d+ lessons passed/);

    // A mistake that a check recognises, and the hint that answers it; then the lesson's own first hint.
    const mistake = written("01-at-most-once", "mistakes", "returns-after-publish.ts");
    save("01-at-most-once", mistake);
    await terminal.shows(/Not yet\. \d of \d+ checks passed/);
    expect(terminal.screen).toContain("✗ every scan is sent before the terminal is switched off");
    terminal.type("h");
    await terminal.shows('"When publish() has returned, the message has been sent."');
    terminal.type("h");
    await terminal.shows("hint 1 of");

    // Back to the starter; the mistake is kept, and comes back.
    terminal.type("x");
    await terminal.shows("back to the starter?");
    terminal.type("y");
    await terminal.shows(/Not yet\. 0 of \d+ checks passed/);
    expect(readFileSync(exercise("01-at-most-once"), "utf8")).toContain("still to be written");
    expect(readdirSync(join(course.path, ".learn-nats", "backups", "01-at-most-once"))).toHaveLength(1);
    terminal.type("u");
    await terminal.shows(/Not yet\. [1-9] of \d+ checks passed/);
    expect(readFileSync(exercise("01-at-most-once"), "utf8")).toBe(mistake);

    // The solution is asked for, and thought better of.
    terminal.type("s");
    await terminal.shows("Show the solution?");
    terminal.type("n");
    await terminal.shows("Nothing was done.");

    save("01-at-most-once", written("01-at-most-once", "solution.ts"));
    await terminal.shows(/Passed\. All \d+ checks\./);
    await terminal.shows("Learnt: Core NATS keeps nothing.");
    await terminal.shows("One belief was put right on the way.");
    await terminal.shows("n goes on to lesson-02");
    terminal.type("n");

    await terminal.shows("Read lessons/02-streams/README.md");
    save("02-streams", written("02-streams", "mistakes", "core-publish.ts"));
    await terminal.shows("Not yet.");
    save("02-streams", written("02-streams", "alternatives", "asks-first.ts"));
    await terminal.shows("Passed.");
    terminal.type("q");
    expect(await terminal.exit()).toBe(0);
  } finally {
    await terminal.close();
  }

  // Another day: the watch comes back to where the learner was.
  const again = new Terminal(npm, ["start"], { cwd: course.path, columns: 80, rows: 45 });
  try {
    await again.shows("lesson-02 Streams");
    await again.shows("Passed.");
    again.type("n");
    await again.shows("Read lessons/03-acks/README.md");
    save("03-acks", written("03-acks", "mistakes", "acks-on-arrival.ts"));
    await again.shows("Not yet.");
    again.type("h");
    await again.shows("looks as if you believed");
    save("03-acks", written("03-acks", "solution.ts"));
    await again.shows("Passed.");
    await again.shows("Next: lesson-04");
    again.type("\u0003");
    expect(await again.exit()).toBe(130);
  } finally {
    await again.close();
  }

  const { lessons, current } = progress();
  expect(current).toBe("lesson-03");
  for (const id of ["lesson-01", "lesson-02", "lesson-03"])
    expect(lessons[id], id).toMatchObject({ passedAt: expect.any(String), passedChecks: expect.any(String) });
  expect(lessons["lesson-01"]?.beliefs?.["publish-means-sent"]?.putRightAt).toEqual(expect.any(String));
  expect(lessons["lesson-01"]?.hintsShown).toBe(1);

  const beliefs = await course.run(["beliefs", "--plain"]);
  expect(beliefs.status).toBe(0);
  expect(beliefs.out.replace(/\s+/g, " ")).toContain(
    'Put right: "When publish() has returned, the message has been sent."',
  );
  expect(existsSync(join(course.path, ".learn-nats", "progress.json.lock"))).toBe(false);
}, 400_000);
