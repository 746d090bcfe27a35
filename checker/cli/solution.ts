// npm run solution: what separates the learner's file from the reference, then the other right answers. Never writes anything.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { structuredPatch } from "diff";
import { findLesson } from "../course/lessons.ts";
import { readProgress } from "../course/progress.ts";
import { readableSolution, referenceFile, starterNotes } from "../course/starter.ts";
import { exitStatus } from "../grading/verdict.ts";
import { currentLesson } from "./current.ts";
import { agreed } from "./question.ts";
import { colours as c, print, wrap, wrapCode } from "./text.ts";

export async function runSolution(
  typed: string | undefined,
  { yes = false }: { yes?: boolean },
): Promise<number> {
  const lesson = typed === undefined ? currentLesson() : findLesson(typed);
  if (!yes && !readProgress().lessons[lesson.id]?.passedAt && !(await confirmed(lesson.id)))
    return exitStatus.notYet;
  const reference = readableSolution(lesson);
  const notes = starterNotes(lesson);
  const own = existsSync(lesson.exercise)
    ? readFileSync(lesson.exercise, "utf8")
        .split(/\r?\n/)
        .filter((line) => !notes.has(line))
        .join("\n")
    : "";
  const { hunks } = structuredPatch("yours", "reference", own, reference, "", "", { context: 3 });
  print(c.bold(`${lesson.id}  yours (-) beside the reference (+)`));
  print();
  for (const { lines } of hunks) {
    for (const line of lines) {
      const colour = line.startsWith("+") ? c.green : line.startsWith("-") ? c.red : c.dim;
      for (const part of wrapCode(line)) print(colour(part));
    }
    print(c.dim("⋯"));
  }
  if (hunks.length === 0) print("Your file is the reference solution, to the letter.");
  print(c.dim(`The reference: ${relative(process.cwd(), referenceFile(lesson))}`));
  const folder = join(lesson.solutions, "alternatives");
  const alternatives = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".ts")) : [];
  if (alternatives.length > 0) print(`\n${c.bold("Other right answers")}`);
  for (const name of alternatives) {
    const path = join(folder, name);
    print(`\n  ${relative(process.cwd(), path)}`);
    print(wrap(whatItTrades(readFileSync(path, "utf8")), 4));
  }
  return exitStatus.passed;
}

/** The comment that an alternative begins with says what it trades. */
function whatItTrades(source: string): string {
  const lines = source.split("\n");
  const end = lines.findIndex((line) => !line.startsWith("//"));
  return lines
    .slice(0, end)
    .map((line) => line.replace(/^\/\/ ?/, ""))
    .join(" ");
}

async function confirmed(id: string): Promise<boolean> {
  const notYet = `You have not passed ${id} yet. \`npm run hint ${id}\` gives a nudge instead; \`npm run solution ${id} -- --yes\` shows the solution now.`;
  if (!process.stdin.isTTY || !process.stdout.isTTY) {
    print(wrap(notYet));
    return false;
  }
  return agreed(`You have not passed ${id} yet. Show the solution? [y/N] `, process.stdout);
}
