// A copy of the course to run commands in: what grades, resets or remembers must not touch this one.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { execa, type Options } from "execa";
import { courseCopy } from "../../checker/bench/course-copy.ts";
import type { Ran } from "./command.ts";

export interface CourseCopy {
  readonly path: string;
  /** `node checker/main.mjs …` in this copy. */
  run(args: readonly string[], options?: Options): Promise<Ran>;
  /** What a learner could have written: a solution or a mistake of a lesson, as if it stood in the exercise. */
  written(folder: string, ...path: string[]): string;
  remove(): void;
}

export function copyOfCourse(): CourseCopy {
  const { path, remove } = courseCopy();
  return {
    path,
    remove,
    written(folder, ...file) {
      const solutions = join(path, "solutions", folder);
      return readFileSync(join(solutions, ...file), "utf8").replaceAll(
        /"(?:\.\.\/)+solution\.ts"/g,
        JSON.stringify(join(solutions, "solution.ts")),
      );
    },
    async run(args, options = {}) {
      const { exitCode, stdout, stderr, signal } = await execa(
        process.execPath,
        [join(path, "checker", "main.mjs"), ...args],
        { cwd: path, reject: false, ...options },
      );
      return { status: exitCode ?? (signal ? -1 : 0), out: String(stdout ?? ""), err: String(stderr ?? "") };
    },
  };
}
