// npm run timeline: shows what the last check did on the wire, in every form, and says what to do when there is nothing to show.
import { copyFileSync, cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { root } from "../../checker/course/places.ts";

// A course of its own: other tests grade, too, and each grading is the last one.
let course = "";

beforeAll(async () => {
  course = mkdtempSync(join(tmpdir(), "learn-nats-course-"));
  for (const folder of ["checker", "lessons", "solutions"]) {
    cpSync(join(root, folder), join(course, folder), { recursive: true });
  }
  for (const file of ["package.json", "package-lock.json", "tsconfig.json"]) {
    copyFileSync(join(root, file), join(course, file));
  }
  symlinkSync(join(root, "node_modules"), join(course, "node_modules"), "junction");
  const mistake = join(course, "solutions", "01-at-most-once", "mistakes", "returns-after-publish.ts");
  expect(await run(["check", "lesson-01", "--file", mistake])).toMatchObject({ status: 1 });
});

afterAll(() => rmSync(course, { recursive: true, force: true }));

async function run(args: readonly string[], env: Record<string, string> = {}) {
  const { exitCode, stdout, stderr } = await execa(
    process.execPath,
    [join(course, "checker", "main.mjs"), ...args],
    { cwd: course, reject: false, env },
  );
  return { status: exitCode, out: stdout, err: stderr };
}

const timeline = (...flags: string[]) => run(["timeline", "lesson-01", ...flags]);

test.each([80, 100])("shows every check with its result, in %i columns", async (width) => {
  const { status, out } = await run(["timeline", "lesson-01"], { COLUMNS: String(width) });
  expect(status).toBe(0);
  expect(Math.max(...out.split("\n").map((line) => [...line].length))).toBeLessThanOrEqual(width);
  expect(out).toMatch(/✗ every scan is sent before the terminal is switched off/);
  expect(out).toMatch(/✓ /);
  expect(out).toMatch(/├─+[╳▶]/);
  expect(out).not.toContain("\u001b");
});

test("shows one check by a part of its name, in plain sentences", async () => {
  const { status, out } = await timeline("--check", "terminal is SWITCHED", "--plain");
  expect(status).toBe(0);
  expect(out).toMatch(/^Not yet: every scan is sent/m);
  expect(out).not.toMatch(/^Passed: /m);
  expect(out).toMatch(/^\+\d+(\.\d)? ms: terminal/m);
  expect(out).not.toMatch(/[│├✓✗]/);
});

test("draws one check, and all of them, as well-formed SVG", async () => {
  for (const flags of [["--check", "switched off"], []]) {
    const file = join(course, "run.svg");
    expect(await timeline("--svg", file, ...flags)).toMatchObject({ status: 0, out: "" });
    const svg = readFileSync(file, "utf8");
    expect(wellFormed(svg)).toBe(true);
    const ids = [...svg.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
  }
});

/** Every tag is closed in the order of opening, and no character stands where XML wants an entity. */
function wellFormed(text: string): boolean {
  const open: string[] = [];
  for (const [tag, end, name, , self] of text.matchAll(
    /<(\/?)([\w-]+)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>/g,
  )) {
    if (end) {
      if (open.pop() !== name) return false;
    } else if (!self && tag) open.push(name ?? "");
  }
  const words = text.replace(/<\/?[\w-]+(?:\s+[\w:-]+="[^"<]*")*\s*\/?>/g, "");
  return open.length === 0 && !/<|&(?!(?:amp|lt|gt|quot|#\d+);)/.test(words);
}

test("prints one JSON document", async () => {
  const { status, out } = await timeline("--json");
  expect(status).toBe(0);
  const document = JSON.parse(out);
  expect(document).toMatchObject({ version: 1, lesson: "lesson-01" });
  for (const check of document.checks) {
    expect(check.timeline).toMatchObject({ format: "learn-nats timeline", title: check.name });
  }
});

test("without a last run, says to check first", async () => {
  const { status, err } = await run(["timeline", "lesson-02"]);
  expect(status).toBe(2);
  expect(err).toContain("npm run check lesson-02");
});

test("names the nearest check when none has such a name", async () => {
  const { status, err } = await timeline("--check", "terminal is swiched of");
  expect(status).toBe(2);
  expect(err.replace(/\s+/g, " ")).toContain(
    'Did you mean "every scan is sent before the terminal is switched off"?',
  );
});
