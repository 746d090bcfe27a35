// How long `npm run check` takes, against the smallest thing that vitest can do with `nats`: both as whole processes, in turns.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { allLessons } from "../course/lessons.ts";
import { root, workFolder } from "../course/places.ts";
import { inTurns } from "./turns.ts";

const oneTest = `import { connect } from "nats";
import { expect, test } from "vitest";
test("one", () => expect(typeof connect).toBe("function"));
`;

/** `npm run check lesson-01` on the solution, against `npx vitest run` on a one-test file that imports `nats`. */
export async function benchCheck(rounds: number) {
  const [lesson] = allLessons();
  if (!lesson) throw new Error("There is no lesson.");
  const folder = join(workFolder, "bench-vitest");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "one.test.ts"), oneTest);
  // A configuration of its own, or vitest takes that of the course.
  writeFileSync(join(folder, "vitest.config.mjs"), "export default {};\n");
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  const npx = process.platform === "win32" ? "npx.cmd" : "npx";
  try {
    return await inTurns(
      {
        command: [npm, "run", "check", lesson.id, "--", "--file", join(lesson.solutions, "solution.ts")],
        cwd: root,
        status: 0,
      },
      { command: [npx, "vitest", "run", "--root", folder], cwd: folder, status: 0 },
      rounds,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
