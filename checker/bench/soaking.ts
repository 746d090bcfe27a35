// Grades programs whose verdicts are known, on an idle and on a busy machine, and tells which verdicts differ.
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, relative } from "node:path";
import semver from "semver";
import type { Lesson } from "../course/lessons.ts";
import { root } from "../course/places.ts";
import type { TestResult, Verdict } from "../grading/verdict.ts";
import { WarmGraders } from "../watch/warm-graders.ts";

/** Of a grading on a busy machine: it gets a third of the time that a counting program gets beside it. */
const niceness = 5;

export interface KnownGrading {
  readonly lesson: Lesson;
  readonly file: string;
  /** The check that must fail with this diagnosis; other checks pass, or fail without one. None: every check passes. */
  readonly fails?: { readonly check: string; readonly diagnosis: string };
}

/** The solution, alternatives and mistakes of a lesson. */
export function gradings(lesson: Lesson): KnownGrading[] {
  const inFolder = (name: string) => programsIn(join(lesson.solutions, name));
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

/** The TypeScript files of a folder, in their order; none when there is no such folder. */
function programsIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith(".ts"))
    .sort()
    .map((file) => join(folder, file));
}

/** Where it stands of which state of a lesson all its programs had their verdicts, by all its checks. */
export const soakedFile = (lesson: Lesson): string => join(lesson.solutions, "soaked.sha256");

/** The state of a lesson: of its checks, and of the programs whose verdicts are known. */
export function stateOf(lesson: Lesson): string {
  const files = [...programsIn(lesson.path), ...gradings(lesson).map(({ file }) => file)];
  const hash = createHash("sha256");
  for (const file of files) hash.update(readFileSync(file, "utf8").replaceAll("\r\n", "\n"));
  return hash.digest("hex");
}

/** Hears of each grading, and of a verdict that differs. */
export type OnGraded = (done: number, of: number, difference: string | undefined) => void;

export interface Soaked {
  /** How many gradings there were. */
  readonly count: number;
  /** A text for each verdict that differs. */
  readonly differences: readonly string[];
  /** The lessons of these verdicts. */
  readonly differing: ReadonlySet<Lesson>;
  /** A sentence for each program and check that the server is too old for. */
  readonly notJudged: readonly string[];
}

/**
 * Grades everything so many times, in processes that stay, with as many gradings side by side as there are processors. Of the rounds
 * every second one is on a busy machine: each processor has a program that does nothing but count, there are twice as many gradings,
 * and they are niced. The last round is a busy one.
 *
 * In the first round every program is graded by all checks: no other check than its own may have a diagnosis for a mistake. Afterwards
 * a mistake is graded by its own check.
 */
export async function soak(
  what: readonly KnownGrading[],
  times: number,
  onGraded: OnGraded = () => {},
): Promise<Soaked> {
  const differences: string[] = [];
  const differing = new Set<Lesson>();
  const notJudged = new Set<string>();
  let count = 0;
  for (let round = 1; round <= times; round++) {
    const busy = round % 2 === times % 2;
    const counters = busy ? keepBusy() : [];
    const graders = new WarmGraders(undefined, busy ? { niceness } : {});
    const left = [...what];
    const gradeTheRest = async () => {
      for (let each = left.shift(); each; each = left.shift()) {
        const { difference, lacks } = await gradeOnce(each, graders, round > 1);
        count++;
        for (const lack of lacks) notJudged.add(lack);
        const told = difference && `round ${round}${busy ? ", busy" : ""}: ${difference}`;
        if (told) {
          differences.push(told);
          differing.add(each.lesson);
        }
        onGraded(count, times * what.length, told);
      }
    };
    try {
      const sideBySide = availableParallelism() * (busy ? 2 : 1);
      await Promise.all(Array.from({ length: sideBySide }, gradeTheRest));
    } finally {
      graders.close();
      for (const counter of counters) counter.kill("SIGKILL");
    }
  }
  return { count, differences, differing, notJudged: [...notJudged] };
}

/** Whether a check was skipped for a good reason: it says which server it needs, and the one in use is older. */
export function serverLacks(test: Pick<TestResult, "status" | "message">, { server }: Verdict): boolean {
  const [, needed] = /^needs nats-server (\S+) or newer/.exec(test.message ?? "") ?? [];
  return test.status === "skip" && needed !== undefined && semver.lt(server.version, needed);
}

/** A program for each processor that counts for ever. It ends with us: its standard input is a pipe from here. */
function keepBusy(): ChildProcess[] {
  const count =
    "process.stdin.on('close', () => process.exit()).resume(); (function count() { for (let i = 0; i < 1e7; i++); setImmediate(count); })()";
  return Array.from({ length: availableParallelism() }, () =>
    spawn(process.execPath, ["-e", count], { stdio: ["pipe", "ignore", "ignore"] }),
  );
}

/** Grades a program and compares: what differs from what is known of it, if anything, and which checks the server is too old for. */
async function gradeOnce(
  { lesson, file, fails }: KnownGrading,
  graders: WarmGraders,
  byItsOwn: boolean,
): Promise<{ difference?: string; lacks: string[] }> {
  const name = relative(root, file);
  const only = byItsOwn ? fails?.check : undefined;
  let verdict: Verdict;
  try {
    verdict = await graders.graded(lesson, file, only);
  } catch (error) {
    return { difference: `${name}: ${(error as Error).message}`, lacks: [] };
  }
  const asked = verdict.tests.filter((test) => only === undefined || test.name === only);
  const lacking = asked.filter((test) => serverLacks(test, verdict));
  const lacks = lacking.map((test) => `${name}: "${test.name}" ${test.message}`);
  // A mistake that the server cannot show is a right program to it.
  const expected = lacking.some((test) => test.name === fails?.check) ? undefined : fails;
  const wrong = asked.filter((test) => {
    const { name: check, status, diagnosis } = test;
    if (lacking.includes(test)) return false;
    if (!expected) return status !== "pass";
    if (check === expected.check) return status !== "fail" || diagnosis !== expected.diagnosis;
    return diagnosis !== undefined || status === "error" || status === "skip";
  });
  const asExpected = verdict.status === (expected ? "fail" : "pass") && verdict.typeErrors.length === 0;
  if (asked.length > 0 && wrong.length === 0 && asExpected) return { lacks };
  const difference = [
    `${name}: ${verdict.status}; expected ${expected ? `${expected.diagnosis} in "${expected.check}"` : "pass"}`,
    ...(verdict.message ? [`  ${verdict.message}`] : []),
    ...wrong.flatMap((test) => [
      `  ${test.status} ${test.name}: ${test.diagnosis ?? "no diagnosis"}, ${test.durationMs} ms`,
      `    ${test.message ?? ""}`,
      ...(test.evidence ?? []).map((line) => `    ${line}`),
    ]),
  ].join("\n");
  return { difference, lacks };
}
