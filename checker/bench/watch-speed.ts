// How long a learner waits from the save to the verdict on the screen: `npm start` against `vitest --watch` on one test that imports
// `nats`. Both stand open in a pseudo-terminal of their own, and are given a save in turns.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { stripVTControlCharacters } from "node:util";
import { spawn } from "@lydell/node-pty";
import { root } from "../course/places.ts";
import { courseCopy } from "./course-copy.ts";
import { type Spread, spread } from "./turns.ts";

/** A learner thinks between two saves; meanwhile both sides make themselves ready again. */
const thoughtMs = 3_000;
const patienceMs = 120_000;

const oneTest = (round: number) => `import { connect } from "nats";
import { expect, test } from "vitest";
test("one", () => expect(typeof connect).toBe("function"));
// ${round}
`;

export interface WatchSpeed {
  readonly vitest: Spread;
  /** All checks of the first lesson on its solution. */
  readonly verdict: Spread;
  readonly verdictRatio: Spread;
  /** The first check that fails, on a named mistake. */
  readonly first: Spread;
  readonly firstRatio: Spread;
}

export async function benchWatch(rounds: number): Promise<WatchSpeed> {
  const copy = courseCopy();
  const [lesson = ""] = readdirSync(join(copy.path, "lessons")).sort();
  const exercise = join(copy.path, "lessons", lesson, "exercise.ts");
  const solutions = join(copy.path, "solutions", lesson);
  const mistakes = join(solutions, "mistakes");
  const solution = readFileSync(join(solutions, "solution.ts"), "utf8");
  const mistake = mistakeOfTheFirstCheck(
    mistakes,
    readFileSync(join(copy.path, "lessons", lesson, "checks.ts"), "utf8"),
  );
  const folder = join(copy.path, ".learn-nats", "bench-vitest");
  const test = join(folder, "one.test.ts");
  mkdirSync(folder, { recursive: true });
  writeFileSync(test, oneTest(0));
  writeFileSync(join(folder, "vitest.config.mjs"), "export default {};\n");

  const vitestBin = join(
    dirname(createRequire(join(root, "package.json")).resolve("vitest/package.json")),
    "vitest.mjs",
  );
  const vitest = new Watched([vitestBin, "--watch", "--root", folder], folder);
  const watch = new Watched([join(copy.path, "checker", "main.mjs"), "start", "--no-open"], copy.path);
  const passed = /Tests\s+1 passed/;
  const verdict = /graded at/;
  try {
    await Promise.all([vitest.shows(passed), watch.shows(/waiting for you to save/)]);
    const rows: { vitest: number; verdict: number; first: number }[] = [];
    // The first round warms up.
    for (let round = 0; round <= rounds; round++) {
      await sleep(thoughtMs);
      const one = await vitest.after(() => writeFileSync(test, oneTest(round + 1)), passed);
      await sleep(thoughtMs);
      const all = await watch.after(() => writeFileSync(exercise, `${solution}// ${round}\n`), verdict);
      await sleep(thoughtMs);
      const first = await watch.after(() => writeFileSync(exercise, `${mistake}// ${round}\n`), /✗/);
      await watch.shows(verdict);
      if (round > 0) rows.push({ vitest: one, verdict: all, first });
    }
    return {
      vitest: spread(rows.map((row) => row.vitest)),
      verdict: spread(rows.map((row) => row.verdict)),
      verdictRatio: spread(rows.map((row) => row.verdict / row.vitest)),
      first: spread(rows.map((row) => row.first)),
      firstRatio: spread(rows.map((row) => row.first / row.vitest)),
    };
  } finally {
    await Promise.all([vitest.end(), watch.end()]);
    copy.remove();
  }
}

/** A mistake that the lesson's first check finds. Its import of a type leads to the solution from where it stands. */
function mistakeOfTheFirstCheck(folder: string, checks: string): string {
  const [, first] = /check\(\s*"([^"]+)"/.exec(checks) ?? [];
  for (const name of readdirSync(folder).sort()) {
    const text = readFileSync(join(folder, name), "utf8");
    if (text.includes(`// Fails: ${first}\n`))
      return text.replaceAll(/"[./]+solution\.ts"/g, JSON.stringify(join(dirname(folder), "solution.ts")));
  }
  throw new Error(`No mistake in ${folder} fails "${first}".`);
}

/** A program that stays open in a pseudo-terminal, and what it wrote since the last save. */
class Watched {
  readonly #pty;
  readonly #exited: Promise<unknown>;
  #shown = "";
  #onData: () => void = () => {};

  constructor(args: string[], cwd: string) {
    const { VISUAL: _, EDITOR: __, TERM_PROGRAM: ___, CI: ____, ...env } = process.env;
    this.#pty = spawn(process.execPath, args, { cols: 100, rows: 40, cwd, env, name: "xterm-256color" });
    this.#pty.onData((data) => {
      this.#shown += data;
      this.#onData();
    });
    this.#exited = new Promise((resolve) => this.#pty.onExit(resolve));
  }

  /** Milliseconds from an act until this is on the screen. */
  async after(act: () => void, what: RegExp): Promise<number> {
    this.#shown = "";
    const from = performance.now();
    act();
    await this.shows(what);
    return performance.now() - from;
  }

  shows(what: RegExp): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`Waited for ${what} in vain:\n${this.#shown}`)),
        patienceMs,
      );
      this.#onData = () => {
        if (!what.test(stripVTControlCharacters(this.#shown))) return;
        clearTimeout(timer);
        this.#onData = () => {};
        resolve();
      };
      this.#onData();
    });
  }

  async end(): Promise<void> {
    this.#pty.kill("SIGTERM");
    await this.#exited;
  }
}
