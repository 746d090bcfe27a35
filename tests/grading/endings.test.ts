// However a run ends, nothing of it stays: Ctrl-C, SIGKILL, and two runs at once.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, describe, expect, test } from "vitest";
import { root } from "../../checker/course/places.ts";
import type { Verdict } from "../../checker/grading/verdict.ts";
import { leftoversOf, processesOf, within } from "./leftovers.ts";

const folder = mkdtempSync(join(tmpdir(), "endings-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const solution = join(root, "solutions", "01-at-most-once", "solution.ts");
/** Two of its programs loop, so that a run that is ended early is ended in the midst of it. */
const looping = join(folder, "looping.ts");
writeFileSync(
  looping,
  `export { report, watch } from ${JSON.stringify(solution)};\nexport async function ask() { while (true) {} }\n`,
);

/** On a machine that is busy with other things, what takes a second may take some. */
const slackMs = 4_000;
let runs = 0;

function start(file: string) {
  const tmp = join(folder, String(++runs));
  mkdirSync(tmp);
  const checker = execa(
    process.execPath,
    [join(root, "checker", "main.mjs"), "check", "lesson-01", "--file", file, "--json"],
    { cwd: root, reject: false, stdin: "ignore", env: { TMPDIR: tmp, TEMP: tmp } },
  );
  const pid = checker.pid as number;
  return { checker, pid, left: () => leftoversOf(pid, tmp), made: () => readdirSync(tmp).length };
}

type Started = ReturnType<typeof start>;

/** How many times slower than an idle machine of today this one is now: by the start of a bare Node, which takes 60 ms there. */
async function slowness(): Promise<number> {
  const from = performance.now();
  await execa(process.execPath, ["-e", ""]);
  return Math.max(1, (performance.now() - from) / 60);
}

/** How a shell reports an end: Ctrl-C in Node's own first moments ends it by the signal, which is 130 too. */
const statusOf = ({ exitCode, signal }: { exitCode?: number; signal?: string }) =>
  signal === "SIGINT" ? 130 : exitCode;

const moments: readonly (readonly [name: string, reached: (run: Started) => boolean])[] = [
  ["in its first moment", () => true],
  ["when its first process has started", ({ pid }) => processesOf(pid).length > 0],
  ["when servers are starting", ({ made }) => made() >= 2],
  ["when servers and programs run", ({ pid }) => processesOf(pid).length >= 8],
  [
    "when a program loops",
    // Only the program of the last check is left.
    (() => {
      let peak = 0;
      return ({ pid }: Started) => {
        const now = processesOf(pid).length;
        peak = Math.max(peak, now);
        return peak >= 8 && now <= 4;
      };
    })(),
  ],
];

describe.skipIf(process.platform === "win32")("Ctrl-C", () => {
  test.each(moments)(
    "%s ends the run at once, with exit status 130, and leaves nothing",
    async (_, reached) => {
      const run = start(looping);
      expect(await within(60_000, () => reached(run)), "the moment comes").toBe(true);
      const from = performance.now();
      process.kill(run.pid, "SIGINT");
      // Measured at the same time: a moment later the machine may be another one.
      const meanwhile = slowness();
      const ended = await run.checker;
      const tookMs = performance.now() - from;
      expect(statusOf(ended)).toBe(130);
      expect(tookMs, "a second, on a machine that has nothing else to do").toBeLessThan(
        1_000 * Math.max(await meanwhile, await slowness()),
      );
      await within(1_000 + slackMs, () => run.left().length === 0);
      expect(run.left()).toEqual([]);
    },
  );
});

test.skipIf(process.platform !== "linux")(
  "SIGKILL of the checker in mid-run leaves nothing two seconds later",
  async () => {
    const run = start(looping);
    expect(await within(60_000, () => processesOf(run.pid).length >= 8), "the moment comes").toBe(true);
    process.kill(run.pid, "SIGKILL");
    await run.checker;
    await within(2_000 + slackMs, () => run.left().length === 0);
    expect(run.left()).toEqual([]);
  },
);

test("two checks of the same lesson at once do not disturb each other", async () => {
  const both = [start(solution), start(looping)];
  const [right, wrong] = await Promise.all(
    both.map(async ({ checker }) => JSON.parse((await checker).stdout) as Verdict),
  );
  // The whole verdict: where something was in the way, it has a message and no tests.
  expect(right).toMatchObject({ status: "pass" });
  expect(wrong).toMatchObject({ status: "fail" });
  expect(right?.tests.filter((each) => each.status !== "pass")).toEqual([]);
  expect(wrong?.tests.filter((each) => each.status !== "pass").map((each) => each.diagnosis)).toEqual([
    "endless-loop",
  ]);
  for (const { left } of both) {
    await within(2_000 + slackMs, () => left().length === 0);
    expect(left()).toEqual([]);
  }
});
