// A verdict as a good colleague would say it: what was seen, what was expected, why, and where to read.
import { relative } from "node:path";
import type { Lesson } from "../course/lessons.ts";
import type { TestResult, Verdict } from "../grading/verdict.ts";
import { squeeze, timeOf } from "../kit/evidence.ts";
import { colours as c, columns, cut, wrap } from "./text.ts";

const signs = { pass: c.green("✓"), fail: c.red("✗"), error: c.red("✗"), skip: c.yellow("–") };
/** Lines of a program's output that are shown with a failed check. */
const outputLines = 8;

export interface VerdictStyle {
  /** Words instead of signs and columns, for screen readers and logs. */
  readonly plain?: boolean;
  /** Explain only the first check that failed, and put it first; those that passed are counted. For where there is little room. */
  readonly brief?: boolean;
  /** Leave out the line of the lesson's title, and the last line with its nudge. */
  readonly body?: boolean;
}

export function verdictText(
  verdict: Verdict,
  lesson: Lesson,
  { plain = false, brief = false, body = false }: VerdictStyle = {},
): string {
  const parts = body ? [] : [plain ? `${verdict.lesson.id}  ${verdict.lesson.title}` : headline(verdict)];
  if (verdict.message) {
    const place = verdict.tests.find((test) => test.message === verdict.message)?.location;
    parts.push(wrap(verdict.message, 2) + (place ? `\n${at(verdict, place, 2)}` : ""));
  }
  const explained = new Map<string, string>();
  let above: string | undefined;
  const lines: string[] = [];
  const passed = verdict.tests.filter(({ status }) => status === "pass").length;
  const shownTests = brief ? verdict.tests.filter(({ status }) => status !== "pass") : verdict.tests;
  for (const test of shownTests) {
    lines.push(
      plain
        ? plainTestLine(test)
        : testLine(test, test.message === undefined || test.message !== verdict.message),
    );
    if (test.status === "pass" || (brief && explained.size > 0)) continue;
    if (test.status === "skip") {
      if (test.message) lines.push(wrap(test.message, 6));
      continue;
    }
    const key = JSON.stringify([test.message, test.diagnosis, test.location]);
    // What keeps the whole file from running stands above already.
    if (test.message === verdict.message) continue;
    // What keeps several checks from passing is said once.
    const alike = explained.get(key);
    if (alike !== undefined) {
      lines.push(c.dim(wrap(key === above ? "for the same reason" : `for the same reason as “${alike}”`, 6)));
      above = key;
      continue;
    }
    explained.set(key, test.name);
    above = key;
    lines.push(explanation(test, verdict, lesson));
  }
  if (brief && passed > 0)
    lines.push(`  ${signs.pass} ${c.dim(`${passed} ${passed === 1 ? "check" : "checks"} passed`)}`);
  if (lines.length > 0) parts.push(lines.join("\n"));
  if (verdict.typeErrors.length > 0 && verdict.status !== "error") parts.push(typeText(verdict));
  if (!body) parts.push(summary(verdict, lesson));
  return `${parts.join("\n\n")}\n`;
}

const inWords = { pass: "Passed", fail: "Not yet", error: "Not yet", skip: "Skipped" } as const;

/** One check as words. */
export function plainTestLine({ status, name }: TestResult): string {
  return wrap(`${inWords[status]}: ${name}`, 2);
}

/** The first check that failed, as soon as it is known. */
export function firstFailure(test: TestResult, verdict: Pick<Verdict, "file">, lesson: Lesson): string {
  return explanation(test, verdict, lesson);
}

/** One line a check: sign, name, time. */
export function testLine(test: TestResult, ran = true): string {
  const time = test.status === "skip" ? "skipped" : !ran ? "not run" : `${test.durationMs} ms`;
  const room = columns() - 4 - 10;
  const name = cut(test.name, room);
  return `  ${signs[test.status]} ${name}${" ".repeat(room - name.length)}${c.dim(time.padStart(10))}`;
}

function headline({ lesson, server }: Verdict): string {
  const left = `${lesson.id}  ${lesson.title}`;
  const right = `nats-server ${server.version}`;
  const gap = Math.max(2, columns() - left.length - right.length);
  return `${c.bold(left)}${" ".repeat(gap)}${c.dim(right)}`;
}

function explanation(test: TestResult, verdict: Pick<Verdict, "file">, lesson: Lesson): string {
  const lines = [wrap(test.message ?? "", 6)];
  for (const line of aligned(test.evidence ?? [])) lines.push(c.cyan(squeeze(`        ${line}`, columns())));
  if (test.location) lines.push(at(verdict, test.location, 6));
  if (test.output) {
    const printed = test.output
      .trimEnd()
      .split("\n")
      .filter((line) => !ofLibrary.test(line))
      .map((line) => line.replaceAll(verdict.file, shown(verdict.file)));
    lines.push(c.dim("      your program printed:"));
    for (const line of printed.slice(0, outputLines))
      lines.push(c.dim(squeeze(`        ${line}`, columns())));
    if (printed.length > outputLines)
      lines.push(c.dim(`        … ${printed.length - outputLines} lines more`));
  }
  if (test.readme) lines.push(`      ${c.dim("read")} ${shown(lesson.readme)}#${test.readme}`);
  return lines.join("\n");
}

/** A line of a stack trace that leads into `nats` or into Node: it hides those that lead into the learner's own file. */
const ofLibrary = /^\s+at .*(\bnats\.js:|\bnode:|<anonymous>)/;

/** Lines of evidence, the times of those that begin with one below each other. */
function aligned(evidence: readonly string[]): string[] {
  const lengths = evidence.map((line) => timeOf(line)?.length);
  const width = Math.max(0, ...lengths.map((length = 0) => length));
  return evidence.map((line, i) => " ".repeat(width - (lengths[i] ?? width)) + line);
}

function at(
  verdict: Pick<Verdict, "file">,
  { line, column }: { line: number; column: number },
  indent: number,
): string {
  return c.dim(`${" ".repeat(indent)}at ${shown(verdict.file)}:${line}:${column}`);
}

function typeText(verdict: Verdict): string {
  const shownErrors = verdict.typeErrors.slice(0, 10);
  const more = verdict.typeErrors.length - shownErrors.length;
  return [
    c.bold(
      `  TypeScript found ${verdict.typeErrors.length === 1 ? "an error" : `${verdict.typeErrors.length} errors`}`,
    ),
    ...shownErrors.map(
      ({ message, line, column }) =>
        `      ${c.dim(`${shown(verdict.file)}:${line}:${column}`)}\n${wrap(message, 8)}`,
    ),
    ...(more > 0 ? [`      … and ${more} more`] : []),
  ].join("\n");
}

/** One line that says how it stands. */
export function summary(verdict: Verdict, lesson: Lesson): string {
  const { tests, status } = verdict;
  const passed = tests.filter((test) => test.status === "pass").length;
  const skipped = tests.filter((test) => test.status === "skip").length;
  const also = skipped > 0 ? `, ${skipped} skipped` : "";
  if (status === "pass") {
    return `  ${c.green(c.bold("Passed."))} All ${passed} checks${also}. ${c.dim("npm run solution")} ${lesson.id} ${c.dim("shows how others do it.")}`;
  }
  if (verdict.environment)
    return `  ${c.bold("Not graded.")} This says nothing about your program. ${c.dim("npm run doctor shows what is missing.")}`;
  if (tests.length === 0) return `  ${c.bold("Not yet.")} The checks could not begin.`;
  // The hints are about what the checks look at, in the learner's own file.
  const onlyTypes = verdict.typeErrors.length > 0 && passed === tests.length - skipped;
  const ofExercise = verdict.file === lesson.exercise;
  const next = onlyTypes
    ? "The types are still wrong."
    : ofExercise && c.dim(`A nudge: npm run hint ${lesson.id}`);
  return `  ${c.bold("Not yet.")} ${passed} of ${tests.length} checks passed${also}. ${next || ""}`.trimEnd();
}

/** A path as a person would type it here. */
function shown(path: string): string {
  const near = relative(process.cwd(), path);
  return near.startsWith("..") ? path : near;
}
