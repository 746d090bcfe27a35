// Verdicts as JUnit XML, which CI systems and classroom tools read.
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import junit from "junit-report-builder";
import { UsageError } from "../course/errors.ts";
import type { TestResult, Verdict } from "./verdict.ts";

/** Its types say that what Node gives as the default lies one step deeper. */
const builder = junit as unknown as typeof junit.default;

/**
 * Writes one file with a suite for each lesson.
 * @throws UsageError when the file cannot be written
 */
export function writeJunit(file: string, verdicts: readonly Verdict[]): void {
  const report = builder.newBuilder();
  for (const verdict of verdicts) {
    const { lesson } = verdict;
    const suite = report
      .testSuite()
      .name(`${lesson.id} ${lesson.title}`)
      .time(verdict.durationMs / 1_000);
    for (const test of verdict.tests) {
      const row = suite
        .testCase()
        .className(lesson.id)
        .name(test.name)
        .file(verdict.file)
        .time(test.durationMs / 1_000);
      if (test.status === "skip") row.skipped();
      if (test.status === "fail") row.failure(summary(test), test.diagnosis);
      if (test.status === "error") row.error(summary(test), test.diagnosis);
      if (test.output) row.standardOutput(test.output);
    }
    for (const { message, line, column } of verdict.typeErrors) {
      suite
        .testCase()
        .className(lesson.id)
        .name(`types, line ${line}`)
        .file(verdict.file)
        .failure(`${line}:${column} ${message}`, "TypeScript");
    }
    if (verdict.tests.length === 0 && verdict.typeErrors.length === 0) {
      suite
        .testCase()
        .className(lesson.id)
        .name("the file can be run")
        .file(verdict.file)
        .error(verdict.message ?? "");
    }
  }
  try {
    mkdirSync(dirname(file), { recursive: true });
    report.writeTo(file);
  } catch (error) {
    throw new UsageError(
      `The JUnit report cannot be written to ${file}: ${(error as Error).message}.`,
      "Give a path in a folder that you can write to.",
    );
  }
}

function summary(test: TestResult): string {
  return [test.message, ...(test.evidence ?? [])].filter(Boolean).join("\n");
}
