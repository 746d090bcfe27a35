// Asks a binary for its version, and remembers the answer so that the next run need not start it.
import { mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "../../course/places.ts";
import { isAtLeast, type Program } from "./programs.ts";
import { runFile } from "./run-file.ts";

/** It takes 50 ms; much longer on a busy machine, or where a virus scanner reads the file first. Who needs more is no server for a check. */
const versionTimeoutMs = 15_000;

/** What is known of the file at a path: its version, or why it does not serve. */
export type Probe = { readonly version: string } | { readonly reason: string };

interface Remembered {
  readonly mtimeMs: number;
  readonly size: number;
  readonly version: string;
}

/**
 * The version that the binary reports. A file that has not changed since it last answered is not started again.
 * Never throws: what is wrong with the file is the reason.
 */
export async function probe(program: Program, path: string): Promise<Probe> {
  let file: ReturnType<typeof statSync>;
  try {
    file = statSync(path);
  } catch (error) {
    return { reason: `${path} ${wordsFor(error)}` };
  }
  if (!file.isFile()) return { reason: `${path} is not a file` };

  const memory = recall();
  const remembered = memory[path];
  if (remembered && remembered.mtimeMs === file.mtimeMs && remembered.size === file.size) {
    return { version: remembered.version };
  }
  const answer = await askVersion(program, path);
  if ("version" in answer) await remember(path, answer.version);
  return answer;
}

/** As {@link probe}, and new enough for the course. */
export async function probeNewEnough(program: Program, path: string): Promise<Probe> {
  const answer = await probe(program, path);
  if ("reason" in answer || isAtLeast(answer.version, program.minimum)) return answer;
  return { reason: `${path} is version ${answer.version}, and the course needs ${program.minimum} or newer` };
}

/** Starts the binary with `--version`, whatever is remembered of it. */
export async function askVersion(program: Program, path: string, attempts = 5): Promise<Probe> {
  const options = { timeout: versionTimeoutMs, windowsHide: true };
  const { error, stdout, stderr } = await runFile(path, ["--version"], options);
  const output = `${stdout}\n${stderr}`.trim();
  // A process that was forked while the file was being written can hold it open for a moment.
  if (error?.code === "ETXTBSY" && attempts > 1) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    return askVersion(program, path, attempts - 1);
  }
  if (error?.killed)
    return { reason: `${path} did not answer --version within ${versionTimeoutMs / 1000} s` };
  if (typeof error?.code === "string") return { reason: `${path} ${wordsFor(error)}` };
  const version = program.versionPattern.exec(output)?.[1];
  if (version) return { version };
  const said =
    output.split("\n")[0]?.slice(0, 80) || `nothing, and exited with ${error?.code ?? error?.signal ?? 0}`;
  return { reason: `${path} does not say its version as ${program.name} does; --version printed: ${said}` };
}

const words: Record<string, string> = {
  ENOENT: "does not exist",
  ENOTDIR: "does not exist",
  EACCES: "may not be run by you (no execute permission, or a folder mounted without it)",
  ENOEXEC: "is not a program for this machine",
  EFTYPE: "is not a program for this machine",
  UNKNOWN: "is not a program for this machine",
};

function wordsFor(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return words[code ?? ""] ?? `cannot be run: ${message}`;
}

function memoryFile(): string {
  return join(cacheFolder(), "versions.json");
}

function recall(): Record<string, Remembered> {
  try {
    return JSON.parse(readFileSync(memoryFile(), "utf8")) as Record<string, Remembered>;
  } catch {
    return {};
  }
}

/**
 * Keeps a version that the file at this path has just reported.
 * Two runs may write at once and one answer be lost; it is then asked again, so that needs no lock.
 */
export async function remember(path: string, version: string): Promise<void> {
  const { default: writeFileAtomic } = await import("write-file-atomic");
  try {
    const { mtimeMs, size } = statSync(path);
    const memory = { ...recall(), [path]: { mtimeMs, size, version } };
    mkdirSync(cacheFolder(), { recursive: true });
    await writeFileAtomic(memoryFile(), `${JSON.stringify(memory, null, 2)}\n`);
  } catch {
    // A cache that cannot be written costs the start of one process each time, and is doctor's to report.
  }
}
