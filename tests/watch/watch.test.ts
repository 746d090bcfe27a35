// npm start as people meet it: a narrow terminal, no colour, a pipe, a screen reader, an editor of their own, programs that hang.
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { execa } from "execa";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { type CourseCopy, copyOfCourse } from "../course/copy.ts";
import { within } from "../grading/leftovers.ts";
import { Terminal, type TerminalOptions } from "./terminal.ts";

let course: CourseCopy;
let exercise = "";
let starter = "";
let solution = "";
const open: Terminal[] = [];

beforeAll(() => {
  course = copyOfCourse();
  exercise = join(course.path, "lessons", "01-at-most-once", "exercise.ts");
  starter = readFileSync(exercise, "utf8");
  solution = readFileSync(join(course.path, "solutions", "01-at-most-once", "solution.ts"), "utf8");
});
beforeEach(() => {
  writeFileSync(exercise, starter);
  rmSync(join(course.path, ".learn-nats", "progress.json"), { force: true });
});
afterEach(async () => {
  for (const terminal of open.splice(0)) await terminal.close();
});
afterAll(() => course.remove());

const esc = "\u001b";

const mistake = (name: string) => course.written("01-at-most-once", "mistakes", name);
const loop = () => `${starter}\nfor (;;) {}\n`;

function start(args: readonly string[] = [], options: Partial<TerminalOptions> = {}): Terminal {
  const terminal = new Terminal(process.execPath, ["checker/main.mjs", "start", "lesson-01", ...args], {
    cwd: course.path,
    ...options,
  });
  open.push(terminal);
  return terminal;
}

/** Shown once the terminal waits for a save or has a verdict. */
const quiet = /waiting for you to save|graded at/;

test("an endless loop that is being graded is dropped the moment a new save comes", async () => {
  const terminal = start();
  await terminal.shows(quiet);
  writeFileSync(exercise, loop());
  await terminal.shows("grading for");
  writeFileSync(exercise, solution);
  await terminal.shows(/Passed\. All \d+ checks\./);
  // The loop's own verdict never came.
  expect(terminal.raw).not.toContain("endless loop");
});

test("nothing is left when it quits in mid-grading", async () => {
  const terminal = start();
  await terminal.shows(quiet);
  writeFileSync(exercise, loop());
  await terminal.shows("grading for");
  terminal.type("q");
  expect(await terminal.exit()).toBe(0);
  expect(await within(30_000, () => courseProcesses().length === 0)).toBe(true);
});

/** Processes that run from this copy of the course: the watch, its grading process, programs, the reaper. Linux. */
function courseProcesses(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && commandLine(name).includes(course.path))
    .map(Number);
}

function commandLine(pid: string | number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1");
  } catch {
    return "";
  }
}

test.each([60, 80, 100])("fits into %i columns", async (columns) => {
  const terminal = start([], { columns, rows: 30, env: { NO_COLOR: "1" } });
  await terminal.shows(quiet);
  writeFileSync(exercise, `${starter}// ${columns}\n`);
  await terminal.shows("graded at");
  terminal.type("?");
  await terminal.shows("back to the verdict");
  // What is wider than the terminal would go on in the next line: then a line of ours would be longer than the terminal.
  // Going up or home begins another line.
  const lines = stripVTControlCharacters(
    terminal.raw.replaceAll(new RegExp(`${esc}\\[\\d*[HA]`, "g"), "\n"),
  ).split(/\r?\n|\r/);
  expect(Math.max(...lines.map((line) => [...line].length))).toBeLessThanOrEqual(columns);
  expect(terminal.raw).not.toMatch(new RegExp(`${esc}\\[[\\d;]*m`));
});

test("prints plain lines for a screen reader", async () => {
  const terminal = start(["--plain"]);
  await terminal.shows("Each time you save");
  writeFileSync(exercise, `${starter}// plain\n`);
  await terminal.shows(/Not yet\. 0 of \d+ checks passed\./);
  terminal.type("h");
  await terminal.shows("hint 1 of");
  terminal.type("q");
  expect(await terminal.exit()).toBe(0);
  expect(terminal.raw).not.toMatch(new RegExp(`${esc}\\[[\\d;]*[A-HJK]`));
  expect(terminal.raw).not.toMatch(/[✓✗─]/);
  expect(terminal.raw).toContain("First that does not pass:");
});

test("prints plain lines in a pipe, and takes its keys from one", async () => {
  const watch = execa(process.execPath, ["checker/main.mjs", "start", "1"], {
    cwd: course.path,
    reject: false,
  });
  let out = "";
  watch.stdout?.on("data", (text: Buffer) => {
    out += text;
  });
  const says = async (what: RegExp) => {
    if (!(await within(90_000, () => what.test(out)))) throw new Error(`Waited for ${what}:\n${out}`);
  };
  await says(/Each time you save/);
  writeFileSync(exercise, solution);
  await says(/Passed\. All \d+ checks\./);
  watch.stdin?.write("q\n");
  const { exitCode, stdout } = await watch;
  expect(exitCode).toBe(0);
  expect(stdout).not.toContain("\u001b");
  expect(stdout).toContain("Passed: every scan is sent before the terminal is switched off");
});

test("opens the exercise in the editor that VISUAL names", async () => {
  const note = join(course.path, "opened.txt");
  const editor = join(course.path, "editor.mjs");
  writeFileSync(
    editor,
    `import { writeFileSync } from "node:fs"; writeFileSync(${JSON.stringify(note)}, process.argv[2]);`,
  );
  chmodSync(editor, 0o755);
  start([], { env: { VISUAL: `"${process.execPath}" ${editor}` } });
  expect(await within(60_000, () => existsSync(note) && readFileSync(note, "utf8") === exercise)).toBe(true);
});

test("an editor that is not there is said, and the watch goes on", async () => {
  const terminal = start([], { env: { VISUAL: "no-such-editor" } });
  await terminal.shows("no-such-editor could not be started");
  writeFileSync(exercise, solution);
  await terminal.shows(/Passed\. All \d+ checks\./);
});

test("goes on when the process that grades is killed", async () => {
  const terminal = start();
  await terminal.shows(quiet);
  writeFileSync(exercise, loop());
  await terminal.shows("grading for");
  const [grader] = courseProcesses().filter((pid) => commandLine(pid).includes("grader.mjs"));
  process.kill(grader as number, "SIGKILL");
  await terminal.shows("r tries again");
  writeFileSync(exercise, solution);
  await terminal.shows(/Passed\. All \d+ checks\./);
});

test.skipIf(!existsSync("/bin/bash"))(
  "Ctrl-Z gives the shell back, and fg the watch, under npm too",
  async () => {
    const terminal = new Terminal("/bin/bash", ["--norc", "--noprofile", "-i"], {
      cwd: course.path,
      env: { HISTFILE: "" },
    });
    open.push(terminal);
    // As under npm: a process that waits for ours.
    terminal.type(`sh -c '"${process.execPath}" checker/main.mjs start lesson-01; exit $?'\r`);
    await terminal.shows(quiet);
    terminal.type("\u001a");
    await terminal.shows("Stopped");
    terminal.type("echo $((40 + 2))-is-here\r");
    await terminal.shows("42-is-here");
    terminal.type("fg\r");
    await terminal.shows(quiet);
    writeFileSync(exercise, solution);
    await terminal.shows(/Passed\. All \d+ checks\./);
    terminal.type("q");
    await terminal.shows("is where `npm start` goes on");
    terminal.type("exit\r");
    await terminal.exit();
  },
);

test("draws itself anew when the terminal becomes narrow", async () => {
  const terminal = start([], { columns: 100 });
  await terminal.shows(quiet);
  terminal.resize(60, 30);
  await terminal.shows(/^─{60}$/m);
});

test("shows a text that has no room from its top, and the rest with space and b", async () => {
  const terminal = start([], { columns: 80, rows: 24 });
  await terminal.shows(quiet);
  writeFileSync(exercise, mistake("returns-after-publish.ts"));
  await terminal.shows("graded at");
  // What failed is on top, with the reason; those that passed are counted.
  expect(terminal.screen).toMatch(/^lesson-01 .*\n\n {2}✗ every scan is sent/);
  expect(terminal.screen).toMatch(/✓ \d checks passed/);
  terminal.type("t");
  await terminal.shows(/^lesson-01 {2}on the wire/);
  expect(terminal.screen).toMatch(/─── \d+ more lines: space ─── \d+ above: b ─/);
  terminal.type(" ");
  await terminal.shows("shows all 8 checks.");
  terminal.type(`b${esc}[A`);
  await terminal.shows(/terminal {4}server/);
  terminal.type("\r");
  await terminal.shows(/^lesson-01 .*\n\n {2}✗ every scan is sent/);
});

test("a hint that is asked for while the file is graded is one on the new verdict", async () => {
  const terminal = start();
  await terminal.shows(quiet);
  writeFileSync(exercise, mistake("no-flush-after-subscribe.ts"));
  await terminal.shows("grading");
  terminal.type("h");
  await terminal.shows(/a hint\n\n {2}Your last check "a board/);
  await terminal.shows("graded at");
});

test("where a backup was put is still there to be read when the starter is graded", async () => {
  const terminal = start();
  await terminal.shows(quiet);
  writeFileSync(exercise, solution);
  await terminal.shows(/Passed\. All \d+ checks\./);
  terminal.type("x");
  await terminal.shows("back to the starter?");
  terminal.type("y");
  await terminal.shows(/Not yet\. 0 of \d+ checks passed/);
  expect(terminal.screen.replace(/\s+/g, " ")).toContain("What you had is kept in .learn-nats/backups/");
  expect(terminal.screen).toContain("u brings it back.");
});
