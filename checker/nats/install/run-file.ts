// Runs a program of the system to its end, and tells how that went.
import { type ExecFileOptions, execFile } from "node:child_process";

export interface Ran {
  /** Why it failed, if it did: an exit status or the system's word in `code`, `killed` when the time was over. */
  readonly error: (Error & { code?: string | number; killed?: boolean; signal?: string }) | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Never rejects. Node tells the commonest reasons why a file cannot be run by its callback, and throws the others. */
export function runFile(file: string, args: readonly string[], options: ExecFileOptions): Promise<Ran> {
  return new Promise((resolve) => {
    try {
      execFile(file, args, { ...options, encoding: "utf8" }, (error, stdout, stderr) =>
        resolve({ error: (error as Ran["error"]) ?? undefined, stdout, stderr }),
      );
    } catch (error) {
      resolve({ error: error as Ran["error"], stdout: "", stderr: "" });
    }
  });
}
