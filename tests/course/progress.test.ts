// What a learner has done is never lost: not by a kill at any moment, a full disk, two terminals, a moved folder or a newer course.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { ensureBuild } from "../../checker/build.mjs";
import type { Progress } from "../../checker/course/progress.ts";
import { type CourseCopy, copyOfCourse } from "./copy.ts";

let course: CourseCopy;
let file = "";
/** A program that counts a lesson's gradings up, one after another, through the course's own code. */
let counter = "";

beforeAll(async () => {
  course = copyOfCourse();
  file = join(course.path, ".learn-nats", "progress.json");
  ensureBuild(course.path);
  counter = join(course.path, "counter.ts");
  writeFileSync(
    counter,
    `import { updateProgress } from "./checker/course/progress.ts";
const [lesson = "", times = "1"] = process.argv.slice(2);
process.stdout.write("ready\\n");
for (let i = 0; i < Number(times); i++) {
  updateProgress(lesson, (old) => ({ ...old, gradings: (old.gradings ?? 0) + 1 }));
  process.stdout.write(".");
}
`,
  );
});
beforeEach(() => {
  mkdirSync(join(course.path, ".learn-nats"), { recursive: true });
  write({ version: 1, lessons: {} });
});
afterAll(() => course.remove());

const read = () => JSON.parse(readFileSync(file, "utf8")) as Progress;
const write = (progress: unknown) => writeFileSync(file, JSON.stringify(progress));

function count(lesson: string, times: number) {
  const tsx = join(course.path, "node_modules", "tsx", "dist", "cli.mjs");
  return spawn(process.execPath, [tsx, counter, lesson, String(times)], { cwd: course.path, detached: true });
}

const ended = (child: ReturnType<typeof count>) =>
  new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));

test("two terminals that write at the same time lose nothing of each other", async () => {
  const statuses = await Promise.all(
    [count("lesson-01", 60), count("lesson-01", 60), count("lesson-02", 60)].map(ended),
  );
  expect(statuses).toEqual([0, 0, 0]);
  expect(read().lessons["lesson-01"]?.gradings).toBe(120);
  expect(read().lessons["lesson-02"]?.gradings).toBe(60);
});

test("a kill at any moment leaves the old or the new progress, and nobody waits for the dead", async () => {
  write({
    version: 1,
    current: "lesson-02",
    lessons: { "lesson-02": { passedAt: "2026-01-01T00:00:00.000Z" } },
  });
  let before = 0;
  for (let round = 0; round < 8; round++) {
    const child = count("lesson-01", 1_000_000);
    let dots = 0;
    await new Promise<void>((resolve) => {
      child.stdout.on("data", (text: Buffer) => {
        dots += String(text).split(".").length - 1;
        // Another moment each time.
        if (dots > round * 3) resolve();
      });
    });
    process.kill(-(child.pid as number), "SIGKILL");
    await ended(child);
    const { current, lessons } = read();
    expect(current).toBe("lesson-02");
    expect(lessons["lesson-02"]?.passedAt).toBeDefined();
    const now = lessons["lesson-01"]?.gradings ?? 0;
    expect(now).toBeGreaterThanOrEqual(before + dots - 1);
    before = now;
  }
  expect(await ended(count("lesson-01", 1))).toBe(0);
  expect(read().lessons["lesson-01"]?.gradings).toBe(before + 1);
});

const canMount = process.platform === "linux" && spawnSync("unshare", ["-m", "/bin/true"]).status === 0;

test.runIf(canMount)("a full disk costs nothing that was there, and is said", async () => {
  const exercise = join(course.path, "lessons", "02-streams", "exercise.ts");
  appendFileSync(exercise, "\n// what the learner wrote\n");
  const own = readFileSync(exercise, "utf8");
  // A file system of 64 kB that is full, in a view of the files that only this command has.
  const script = `mount -t tmpfs -o size=64k tmpfs "$1" && cp "$2" "$1/progress.json" &&
    cat /dev/zero > "$1/fill" 2>/dev/null; node node_modules/tsx/dist/cli.mjs counter.ts lesson-01 1 2>&1; node checker/main.mjs reset lesson-02; echo "status $?"; cat "$1/progress.json"`;
  write({ version: 1, lessons: { "lesson-01": { gradings: 7 } } });
  const kept = join(course.path, "kept.json");
  writeFileSync(kept, readFileSync(file));
  const build = join(course.path, ".learn-nats", "build");
  const aside = join(course.path, "build-aside");
  renameSync(build, aside);
  let out: string;
  try {
    out = execFileSync(
      "unshare",
      [
        "-m",
        "/bin/sh",
        "-c",
        `${script.replace("cat /dev/zero", 'mkdir "$1/build" && mount --bind "$3" "$1/build" && cat /dev/zero')}`,
        "sh",
        join(course.path, ".learn-nats"),
        kept,
        aside,
      ],
      { cwd: course.path, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] },
    );
  } finally {
    renameSync(aside, build);
  }
  expect(out).toMatch(/progress in .* cannot be written/);
  expect(out).toContain("status 3");
  expect(out).toContain('"gradings":7');
  expect(readFileSync(exercise, "utf8")).toBe(own);
});

test("progress of a newer course is left as it is, and said", async () => {
  write({ version: 2, lessons: {}, more: true });
  const { status, err } = await course.run(["list"]);
  expect(status).toBe(3);
  expect(err.replace(/\s+/g, " ")).toContain("newer version of the course");
  expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({ version: 2, lessons: {}, more: true });
});

test("lessons and details that this course does not know stay", async () => {
  write({ version: 1, later: 1, lessons: { "lesson-99": { passedAt: "x" }, "lesson-01": { mood: "good" } } });
  expect(await ended(count("lesson-01", 1))).toBe(0);
  expect(read()).toMatchObject({
    later: 1,
    lessons: { "lesson-99": { passedAt: "x" }, "lesson-01": { mood: "good", gradings: 1 } },
  });
});

test("progress that cannot be read is not overwritten", async () => {
  writeFileSync(file, '{"version": 1, "less');
  expect(await ended(count("lesson-01", 1))).not.toBe(0);
  expect(readFileSync(file, "utf8")).toBe('{"version": 1, "less');
});

test("a lesson whose checks changed since it was passed says so", async () => {
  const solution = join(course.path, "solutions", "01-at-most-once", "solution.ts");
  const exercise = join(course.path, "lessons", "01-at-most-once", "exercise.ts");
  const starter = readFileSync(exercise);
  writeFileSync(exercise, readFileSync(solution));
  const passed = await course.run(["check", "1"]);
  expect(passed.status).toBe(0);
  expect(passed.out).toContain("Learnt: ");
  expect(passed.out).toContain("Next: lesson-02");
  expect((await course.run(["list"])).out).not.toContain("checks changed");
  appendFileSync(join(course.path, "lessons", "01-at-most-once", "checks.ts"), "\n// another check\n");
  expect((await course.run(["list"])).out).toContain("checks changed since you passed it");
  writeFileSync(exercise, starter);
});

test("the last lesson ends with the learner's own catalogue of beliefs", async () => {
  const exercise = join(course.path, "lessons", "01-at-most-once", "exercise.ts");
  const starter = readFileSync(exercise);
  const all = JSON.parse((await course.run(["list", "--json"])).out) as { id: string }[];
  const passedAt = "2026-01-02T00:00:00.000Z";
  const lessons = Object.fromEntries(all.map(({ id }) => [id, { passedAt }]));
  const held = { belief: "It was sent.", readme: "publish-does-not-send", heldAt: passedAt, times: 2 };
  const check = "every scan is sent before the terminal is switched off";
  write({
    version: 1,
    lessons: { ...lessons, "lesson-01": { beliefs: { "publish-means-sent": { ...held, check } } } },
  });
  writeFileSync(exercise, readFileSync(join(course.path, "solutions", "01-at-most-once", "solution.ts")));
  const { status, out } = await course.run(["check", "1"]);
  writeFileSync(exercise, starter);
  expect(status).toBe(0);
  expect(out).toContain("you have passed every lesson of the course");
  expect(out).toContain("put it right: 1 of 1");
  expect(out).toMatch(/seen 2 times, first on 2026-01-02; put right on \d{4}-\d\d-\d\d/);
});

test("reset keeps what was there, undo brings it back, and a second undo takes that back", async () => {
  const exercise = join(course.path, "lessons", "03-acks", "exercise.ts");
  const starter = readFileSync(exercise, "utf8");
  expect((await course.run(["undo", "3"])).status).toBe(2);
  writeFileSync(exercise, "// mine\n");
  const reset = await course.run(["reset", "3"]);
  expect(reset.out).toMatch(/kept in\s+\.learn-nats.backups.03-acks.exercise-\d{4}-\d\d-\d\dT/);
  expect(readFileSync(exercise, "utf8")).toBe(starter);
  expect((await course.run(["undo", "3"])).status).toBe(0);
  expect(readFileSync(exercise, "utf8")).toBe("// mine\n");
  expect((await course.run(["undo", "3"])).status).toBe(0);
  expect(readFileSync(exercise, "utf8")).toBe(starter);
  const { out } = await course.run(["undo", "3", "--list"]);
  expect(out.trim().split("\n")).toHaveLength(3);
  expect((await course.run(["undo", "3", "--back", "3"])).status).toBe(0);
  expect(readFileSync(exercise, "utf8")).toBe("// mine\n");
  expect((await course.run(["undo", "3", "--back", "9"])).status).toBe(2);
});

test("a course folder that was moved remembers everything", async () => {
  write({
    version: 1,
    current: "lesson-03",
    lessons: { "lesson-01": { startedAt: "x", passedAt: "2026-01-01T00:00:00.000Z" } },
  });
  const moved = `${course.path}-moved`;
  renameSync(course.path, moved);
  try {
    const out = execFileSync(process.execPath, [join(moved, "checker", "main.mjs"), "list", "--json"], {
      cwd: moved,
      encoding: "utf8",
    });
    expect(JSON.parse(out)[0]).toMatchObject({ id: "lesson-01", state: "passed" });
    expect(readdirSync(join(moved, ".learn-nats", "backups", "03-acks")).length).toBeGreaterThan(0);
  } finally {
    renameSync(moved, course.path);
  }
  expect(existsSync(file)).toBe(true);
});
