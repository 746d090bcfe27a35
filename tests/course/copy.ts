// A copy of the course to run commands in: what grades, resets or remembers must not touch this one.
import { join } from "node:path";
import { execa, type Options } from "execa";
import { courseCopy } from "../../checker/bench/course-copy.ts";
import type { Ran } from "./command.ts";

export interface CourseCopy {
  readonly path: string;
  /** `node checker/main.mjs …` in this copy. */
  run(args: readonly string[], options?: Options): Promise<Ran>;
  remove(): void;
}

export function copyOfCourse(): CourseCopy {
  const { path, remove } = courseCopy();
  return {
    path,
    remove,
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
