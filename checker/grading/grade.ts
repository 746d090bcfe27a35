// Grades one file as the exercise of one lesson: bundle, type check and checks side by side, and a verdict of it all.
import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { builtFile } from "../course/built.ts";
import { EnvironmentTrouble } from "../course/errors.ts";
import { type Lesson, readReadme } from "../course/lessons.ts";
import { clearUpLater } from "../kit/clear-up.ts";
import { misbehaviour } from "../kit/misbehaviour.ts";
import { beginRun, type Run } from "../kit/run.ts";
import { discardSpares, prepare, useServer } from "../kit/spares.ts";
import type { FoundProgram } from "../nats/install/find.ts";
import { runFolder } from "../nats/run-folder.ts";
import type { CheckResult } from "./check-ends.ts";
import { type Compiled, compile, type TypeFault } from "./compile.ts";
import { unfit } from "./unfit.ts";
import type { TestResult, Verdict } from "./verdict.ts";

export interface Grading {
  readonly lesson: Lesson;
  /** The file that is graded as the lesson's exercise. */
  readonly file: string;
  readonly server: FoundProgram;
  /** False: programs connect to the server itself, and checks that rest on the recorder are skipped. Default true. */
  readonly recorded?: boolean;
  /** Told of each check as it ends. */
  readonly onTest?: (test: TestResult) => void;
  /** What compiles it; a process that grades again and again keeps its compilers warm. */
  readonly compiler?: (file: string, folder: string) => Promise<Compiled>;
  /** The name of the one check that is played; the others are skipped. Default: all are played. */
  readonly only?: string;
  /** Aborted when nobody wants the verdict any more: then the grading ends soon, with a `DroppedGrading`. */
  readonly dropped?: AbortSignal;
  /** Told of what is left to clear up after the verdict. Without it, all is cleared up before. */
  readonly afterwards?: (clearUp: () => void | Promise<void>) => void;
}

/** Started before the first check asks; as many as run side by side at first. */
const spares = { servers: 4, hosts: 4 };

/** What `grade` throws when its verdict is not wanted any more. */
export class DroppedGrading extends Error {
  override readonly name = "DroppedGrading";
}

/** A verdict, and what it rests on. */
export interface Graded {
  readonly verdict: Verdict;
  /** What each failed check found, by its name; none when no check ran. */
  readonly findings: Run["findings"];
  /** What each check saw on the wire, by its name. */
  readonly journals: Run["journals"];
  /** How many checks were played on the server that NATS_URL names; or why none was. Absent without it. */
  readonly borrowed?: number | string;
}

/**
 * @throws UsageError when there is no such file
 * @throws EnvironmentTrouble when something other than the exercise is in the way
 */
export async function grade({
  lesson,
  file,
  server,
  recorded = true,
  onTest = () => {},
  compiler = compile,
  only,
  dropped,
  afterwards,
}: Grading): Promise<Graded> {
  const from = performance.now();
  const { title } = readReadme(lesson).matter;
  const graded = (status: Verdict["status"], more: Partial<Verdict>, run?: Run): Graded => ({
    verdict: {
      version: 3,
      status,
      lesson: { id: lesson.id, title },
      file,
      server: { version: server.version, source: server.source },
      durationMs: Math.round(performance.now() - from),
      typeErrors: [],
      tests: [],
      ...more,
    },
    findings: run?.findings ?? new Map(),
    journals: run?.journals ?? new Map(),
    ...(run && process.env.NATS_URL && { borrowed: run.notBorrowed ?? run.borrowed.size }),
  });

  const reason = unfit(file);
  useServer(server);
  clearUpLater(afterwards);
  const folder = runFolder("grade");
  try {
    const compiling = reason ? undefined : compiler(file, folder.path);
    compiling?.catch(() => {});
    if (!reason) prepare(spares);
    handOverNats(folder.path);
    const engine = import("./engine.ts");
    const compiled = await compiling;
    const cannotRun = reason ?? compiled?.syntax;
    // What cannot run fails every check, by its name, for one reason.
    const run = cannotRun
      ? beginRun("", file, {
          unfit: misbehaviour.unfit(cannotRun.id, cannotRun.message, cannotRun.location),
          dropped,
        })
      : beginRun(compiled?.file ?? "", file, { recorded, dropped, only });
    const { runChecks } = await engine;
    const result = await runChecks(builtFile(`checks-${lesson.folder}.mjs`), {
      onCheck: (check) => onTest(testOf(check, run)),
      ...(afterwards && { afterwards }),
    });
    if (dropped?.aborted) throw new DroppedGrading();
    if (run.trouble) throw run.trouble;
    if (result.troubles.length > 0) {
      throw new EnvironmentTrouble(
        `The checks of ${lesson.id} could not be run: ${result.troubles.join(" · ")}`,
        "This is not your program's fault. Run the command again; if it stays, report it.",
      );
    }
    const tests = result.checks.map((check) => testOf(check, run));
    if (tests.length > 0 && tests.every((test) => test.status === "skip")) {
      const reasons = [...new Set(tests.map((test) => test.message))].join(" · ");
      const message = `No check of ${lesson.id} can be run here: ${reasons}.`;
      return graded("error", { environment: true, message, tests }, run);
    }
    const typeErrors =
      cannotRun?.location && compiled
        ? [{ message: cannotRun.message, ...cannotRun.location }]
        : ((await compiled?.faults) ?? []);
    const status = statusOf(tests, typeErrors);
    const message = status === "error" ? tests.find((test) => test.message)?.message : undefined;
    return graded(status, { ...(message && { message }), tests, typeErrors }, run);
  } finally {
    if (afterwards) afterwards(() => folder.remove());
    else {
      await discardSpares();
      folder.remove();
    }
  }
}

/** Lets the program import the very `nats` that its host has loaded already: see checker/build.mjs. */
function handOverNats(folder: string): void {
  const target = join(folder, "node_modules", "nats");
  mkdirSync(target, { recursive: true });
  for (const file of ["index.mjs", "package.json"])
    copyFileSync(builtFile(join("nats", file)), join(target, file));
}

function statusOf(tests: readonly TestResult[], typeErrors: readonly TypeFault[]): Verdict["status"] {
  const has = (status: TestResult["status"]) => tests.some((test) => test.status === status);
  // Every program that ran came to the same end: the file cannot be run at all.
  if (has("error") && !has("pass") && !has("fail")) return "error";
  return has("error") || has("fail") || typeErrors.length > 0 ? "fail" : "pass";
}

function testOf(check: CheckResult, run: Run): TestResult {
  const { name, durationMs } = check;
  if (check.state === "passed") return { name, status: "pass", durationMs };
  if (check.state === "skipped")
    return { name, status: "skip", ...(check.note && { message: check.note }), durationMs };
  const found = run.findings.get(name);
  if (!found)
    return {
      name,
      status: "error",
      message: check.errors.map((error) => error.message).join(" · "),
      durationMs,
    };
  const { status = "fail", message, diagnosis, evidence, readme, location, output } = found;
  return {
    name,
    status,
    message,
    ...(output && { output }),
    ...(diagnosis && { diagnosis }),
    ...(evidence?.length && { evidence }),
    ...(readme && { readme }),
    ...(location && { location }),
    durationMs,
  };
}
