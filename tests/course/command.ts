// Runs the real command as a person would, in a process of its own, with an environment of its own.
import { join } from "node:path";
import { execa, type Options } from "execa";
import { root } from "../../checker/course/places.ts";
import type { Verdict } from "../../checker/grading/verdict.ts";

export interface Ran {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** `node checker/main.mjs …`: what the npm scripts run. */
export async function command(args: readonly string[], options: Options = {}): Promise<Ran> {
  const { exitCode, stdout, stderr, signal } = await execa(
    process.execPath,
    [join(root, "checker", "main.mjs"), ...args],
    {
      cwd: root,
      reject: false,
      ...options,
    },
  );
  return { status: exitCode ?? (signal ? -1 : 0), out: String(stdout ?? ""), err: String(stderr ?? "") };
}

/** Grades a file as the exercise of a lesson, through the real command. */
export async function graded(lesson: string, file: string): Promise<Verdict & { exit: number }> {
  const { status, out, err } = await command(["check", lesson, "--file", file, "--json"]);
  try {
    return { ...(JSON.parse(out) as Verdict), exit: status };
  } catch {
    throw new Error(`No verdict on ${file}: exit ${status}\n${out}\n${err}`);
  }
}
