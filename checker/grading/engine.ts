// Runs a lesson's checks in vitest, through its public Node API. Everything that knows vitest is in this file,
// in in-process-pool.ts and in check-runner.ts.
import { Console } from "node:console";
import { Writable } from "node:stream";
import { createVitest, type Reporter, type TestCase } from "vitest/node";
import { builtFile } from "../course/built.ts";
import { root } from "../course/places.ts";
import { type CheckResult, onCheckEnd } from "./check-ends.ts";
import { inProcessPool } from "./in-process-pool.ts";

export interface EngineResult {
  readonly checks: readonly CheckResult[];
  /** Trouble outside of any check: the checks' file itself is broken. */
  readonly troubles: readonly string[];
}

/** Checks that run side by side. With more, each takes longer to begin, and the first verdict comes later. */
const sideBySide = 4;

export interface EngineOptions {
  /** Called as each check ends. */
  readonly onCheck?: (result: CheckResult) => void;
  /** Takes what is to be cleared up later; without it, all is cleared up before the result is there. */
  readonly afterwards?: (clearUp: () => Promise<void>) => void;
}

/**
 * Runs one built checks file.
 * @param file built JavaScript of the lesson's checks.ts
 */
export async function runChecks(
  file: string,
  { onCheck = () => {}, afterwards }: EngineOptions = {},
): Promise<EngineResult> {
  const told = new Set<string>();
  const tell = (result: CheckResult) => {
    if (told.has(result.name)) return;
    told.add(result.name);
    onCheck(result);
  };
  onCheckEnd(tell);
  const uncaught = catchWhatNobodyCatches();
  const listeners = process.listeners("unhandledRejection");
  // Of a check that is skipped, only the reporter hears.
  const reporter: Reporter = { onTestCaseResult: (test) => tell(resultOf(test)) };
  const vitest = await createVitest("test", {
    config: false,
    root,
    include: [file],
    // The folder of built files is one that vitest leaves out by default.
    exclude: [],
    dir: root,
    watch: false,
    reporters: [reporter],
    pool: inProcessPool(),
    runner: builtFile("check-runner.mjs"),
    isolate: false,
    fileParallelism: false,
    maxConcurrency: sideBySide,
    environment: "node",
    retry: 0,
    passWithNoTests: false,
    // See `silence`.
    disableConsoleIntercept: true,
    // The checks are built JavaScript: Node imports them itself, and they share the kit with us.
    experimental: { viteModuleRunner: false, nodeLoader: false },
  });
  // vitest's own ends the process.
  for (const listener of process.listeners("unhandledRejection"))
    if (!listeners.includes(listener)) process.off("unhandledRejection", listener);
  const ownConsole = globalThis.console;
  globalThis.console = silence;
  try {
    const { testModules } = await vitest.start();
    const checks = testModules.flatMap((module) => [...module.children.allTests()].map(resultOf));
    const troubles = [
      ...testModules.flatMap((module) => module.errors().map((error) => error.message)),
      ...uncaught,
    ];
    return { checks, troubles };
  } finally {
    if (afterwards) afterwards(() => vitest.close());
    else await vitest.close();
    globalThis.console = ownConsole;
  }
}

/** While checks run: what a library prints by itself (nats does) is not the learner's business, and standard output is the verdict's. */
const silence = new Console(new Writable({ write: (_chunk, _encoding, done) => done() }));

/** Of the run that is going on. */
let uncaughtNow: string[] | undefined;

/**
 * vitest would send what nobody catches, and what is printed, to its main side. After a run that side is gone: a process that runs checks
 * again would wait for its answer for ever.
 * @returns where errors are put that nobody catches from now on
 */
function catchWhatNobodyCatches(): readonly string[] {
  if (!uncaughtNow)
    for (const event of ["uncaughtException", "unhandledRejection"])
      process.on(event, (error: unknown) => {
        uncaughtNow?.push(String((error as Error)?.message ?? error));
      });
  uncaughtNow = [];
  return uncaughtNow;
}

function resultOf(test: TestCase): CheckResult {
  const result = test.result();
  return {
    name: test.name,
    state: result.state === "pending" ? "skipped" : result.state,
    ...(result.state === "skipped" && result.note !== undefined && { note: result.note }),
    errors: (result.errors ?? []).map((error) => {
      const { message, name, stack, advice } = error as {
        message: string;
        name?: string;
        stack?: string;
        advice?: string;
      };
      return { message, ...(name && { name }), ...(stack && { stack }), ...(advice && { advice }) };
    }),
    durationMs: Math.round(test.diagnostic()?.duration ?? 0),
  };
}
