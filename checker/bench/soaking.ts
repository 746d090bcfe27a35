// Grades programs whose verdicts are known, on an idle and on a busy machine, and tells which verdicts differ.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { availableParallelism, constants, setPriority } from "node:os";
import { join, relative } from "node:path";
import { execa } from "execa";
import type { Lesson } from "../course/lessons.ts";
import { root } from "../course/places.ts";
import type { Verdict } from "../grading/verdict.ts";

export interface KnownGrading {
  readonly lesson: Lesson;
  readonly file: string;
  /** The check that must fail with this diagnosis; other checks pass, or fail without one. None: every check passes. */
  readonly fails?: { readonly check: string; readonly diagnosis: string };
}

/** The solution, alternatives and mistakes of a lesson. */
export function gradings(lesson: Lesson): KnownGrading[] {
  const inFolder = (name: string) => {
    const folder = join(lesson.solutions, name);
    return existsSync(folder)
      ? readdirSync(folder)
          .filter((file) => file.endsWith(".ts"))
          .sort()
          .map((file) => join(folder, file))
      : [];
  };
  const right = [join(lesson.solutions, "solution.ts"), ...inFolder("alternatives")];
  return [
    ...right.map((file) => ({ lesson, file })),
    ...inFolder("mistakes").map((file) => {
      const [, diagnosis, check] =
        /^\/\/ Mistake: (\S+)\r?\n\/\/ Fails: (.+)$/m.exec(readFileSync(file, "utf8")) ?? [];
      if (!diagnosis || !check) throw new Error(`${file} does not name its mistake.`);
      return { lesson, file, fails: { check, diagnosis } };
    }),
  ];
}

/**
 * Grades everything so many times. Of the rounds every second one is on a busy machine: each processor has a program that
 * does nothing but count, and the grading is niced. A single round is a busy one.
 * @returns how many gradings there were, and a text for each verdict that differs
 */
export async function soak(
  what: readonly KnownGrading[],
  times: number,
  onGraded: (done: number, of: number, difference: string | undefined) => void = () => {},
): Promise<{ count: number; differences: string[] }> {
  const differences: string[] = [];
  let count = 0;
  for (let round = 1; round <= times; round++) {
    const busy = round % 2 === times % 2;
    const counters = busy ? keepBusy() : [];
    try {
      for (const each of what) {
        const difference = await gradeOnce(each, busy);
        count++;
        const told = difference && `round ${round}${busy ? ", busy" : ""}: ${difference}`;
        if (told) differences.push(told);
        onGraded(count, times * what.length, told);
      }
    } finally {
      for (const counter of counters) counter.kill("SIGKILL");
    }
  }
  return { count, differences };
}

/** A program for each processor that counts for ever. It ends with us: its standard input is a pipe from here. */
function keepBusy(): ChildProcess[] {
  const count =
    "process.stdin.on('close', () => process.exit()).resume(); (function count() { for (let i = 0; i < 1e7; i++); setImmediate(count); })()";
  return Array.from({ length: availableParallelism() }, () =>
    spawn(process.execPath, ["-e", count], { stdio: ["pipe", "ignore", "ignore"] }),
  );
}

async function gradeOnce({ lesson, file, fails }: KnownGrading, niced: boolean): Promise<string | undefined> {
  const grading = execa(
    process.execPath,
    [join(root, "checker", "main.mjs"), "check", lesson.id, "--file", file, "--json"],
    { cwd: root, reject: false, stdin: "ignore" },
  );
  if (niced && grading.pid !== undefined) {
    try {
      setPriority(grading.pid, constants.priority.PRIORITY_BELOW_NORMAL);
    } catch {
      // It has ended already; its verdict says why.
    }
  }
  const { exitCode, stdout, stderr } = await grading;
  const name = relative(root, file);
  let verdict: Verdict;
  try {
    verdict = JSON.parse(stdout);
  } catch {
    return `${name}: no verdict, exit status ${exitCode}\n${stdout}${stderr}`;
  }
  const wrong = (verdict.tests ?? []).filter(({ name: check, status, diagnosis }) => {
    if (!fails) return status !== "pass";
    if (check === fails.check) return status !== "fail" || diagnosis !== fails.diagnosis;
    return diagnosis !== undefined || status === "error" || status === "skip";
  });
  const asExpected =
    exitCode === (fails ? 1 : 0) &&
    verdict.status === (fails ? "fail" : "pass") &&
    verdict.typeErrors.length === 0;
  if (wrong.length === 0 && asExpected) return undefined;
  return [
    `${name}: exit status ${exitCode}, ${verdict.status}; expected ${fails ? `${fails.diagnosis} in "${fails.check}"` : "pass"}`,
    ...(verdict.message ? [`  ${verdict.message}`] : []),
    ...wrong.flatMap((test) => [
      `  ${test.status} ${test.name}: ${test.diagnosis ?? "no diagnosis"}, ${test.durationMs} ms`,
      `    ${test.message ?? ""}`,
      ...(test.evidence ?? []).map((line) => `    ${line}`),
    ]),
  ].join("\n");
}
