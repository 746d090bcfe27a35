// `--junit FILE` writes the verdict as JUnit XML, and a path that cannot be written is said.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { allLessons } from "../../checker/course/lessons.ts";
import { command } from "./command.ts";

const folder = mkdtempSync(join(tmpdir(), "junit-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const [lesson] = allLessons();
if (!lesson) throw new Error("There is no lesson.");
const mistake = join(lesson.solutions, "mistakes", "returns-after-publish.ts");
const check = (file: string) => command(["check", lesson.id, "--file", mistake, "--json", "--junit", file]);

test("a verdict is written as JUnit XML, failures with their words", async () => {
  const file = join(folder, "a", "verdict.xml");
  const { out } = await check(file);
  const { tests } = JSON.parse(out) as { tests: { status: string; name: string }[] };
  const xml = readFileSync(file, "utf8");
  expect(xml.match(/<testcase /g)).toHaveLength(tests.length);
  expect(xml.match(/<failure/g)).toHaveLength(tests.filter(({ status }) => status === "fail").length);
  expect(xml).toContain("publish() only hands a message to the client");
});

test("a path that cannot be written is wrong usage, and is named", async () => {
  const file = join(lesson.readme, "verdict.xml");
  const { status, err } = await check(file);
  expect(status).toBe(2);
  expect(err.replace(/\s+/g, " ")).toContain(`cannot be written to ${file}`);
});
