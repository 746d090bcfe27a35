// The starter that a learner begins with, made from the reference solution: the two never drift, and a reset needs no git.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Lesson } from "./lessons.ts";

const begin = /^(\s*)\/\/ BEGIN SOLUTION\b\s*(.*)$/;
const end = /^\s*\/\/ END SOLUTION\s*$/;
/** A line of the starter that stands, commented out, in a marked part of the solution. */
const starterLine = /^(\s*)\/\/ STARTER: ?(.*)$/;

/** The reference solution of a lesson. */
export function referenceFile(lesson: Lesson): string {
  return join(lesson.solutions, "solution.ts");
}

/** The starter of a lesson, as text. */
export function starterOf(lesson: Lesson): string {
  const file = referenceFile(lesson);
  return makeStarter(readFileSync(file, "utf8").replaceAll("\r\n", "\n"), file);
}

/** The reference solution without its marks, as a person would have written it. */
export function readableSolution(lesson: Lesson): string {
  return readFileSync(referenceFile(lesson), "utf8")
    .replaceAll("\r\n", "\n")
    .split("\n")
    .filter((line) => !begin.test(line) && !end.test(line) && !starterLine.test(line))
    .join("\n");
}

/** Comments that only the starter has: how to go about it, nothing of the code. */
export function starterNotes(lesson: Lesson): ReadonlySet<string> {
  const lines = readFileSync(referenceFile(lesson), "utf8").split(/\r?\n/);
  const kept = lines.flatMap((line) => starterLine.exec(line)?.[2] ?? []);
  return new Set(kept.filter((line) => line.startsWith("//")));
}

/**
 * Leaves out what stands between `// BEGIN SOLUTION` and `// END SOLUTION`. Lines `// STARTER: code` in between are kept, without
 * their mark, so that the starter compiles and says what is to do.
 * @throws Error naming the line of a mark without its partner
 */
export function makeStarter(solution: string, file = "solution.ts"): string {
  const kept: string[] = [];
  let openedAt = 0;
  for (const [index, line] of solution.split("\n").entries()) {
    if (begin.test(line)) {
      if (openedAt)
        throw new Error(`${file}:${index + 1}: BEGIN SOLUTION inside the one of line ${openedAt}.`);
      openedAt = index + 1;
      continue;
    }
    if (end.test(line)) {
      if (!openedAt) throw new Error(`${file}:${index + 1}: END SOLUTION without a BEGIN.`);
      openedAt = 0;
      continue;
    }
    if (!openedAt) {
      kept.push(line);
      continue;
    }
    const starter = starterLine.exec(line);
    if (starter) kept.push(`${starter[1]}${starter[2]}`.trimEnd());
  }
  if (openedAt) throw new Error(`${file}:${openedAt}: BEGIN SOLUTION without an END.`);
  return kept.join("\n");
}
