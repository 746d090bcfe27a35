// The run's side of the reaper: everything that is started or made is listed here, so that nothing of it outlives the run.
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { builtFile } from "../course/built.ts";
import { EnvironmentTrouble } from "../course/errors.ts";
import { endProcess, endStragglers, markVariable } from "./end-process.ts";

/** Stands for this run in the environment of all that it starts. */
export const runMark = `${process.pid}-${randomBytes(6).toString("hex")}`;

const processes = new Map<number, ChildProcess>();
const folders = new Set<string>();
let reaper: ChildProcess | undefined;

/** The environment for a process of this run. `part` tells parts of a run apart, so that one can be cleared without the others. */
export function markedEnvironment(part = ""): NodeJS.ProcessEnv {
  return { ...localEnvironment(), [markVariable]: `${runMark}${part && `:${part}`}` };
}

/**
 * The environment for processes that speak to this machine only. A company's certificates are not theirs to read: Node 20 parses the whole
 * file each time it starts, which can take longer than all else in its start.
 */
export function localEnvironment(): NodeJS.ProcessEnv {
  const { NODE_EXTRA_CA_CERTS: _, ...environment } = process.env;
  return environment;
}

/** Lists a process: it is killed, with its group, when the run ends in any way. It is taken off the list when it exits. */
export function watchOver(child: ChildProcess): void {
  const { pid } = child;
  if (pid === undefined) return;
  processes.set(pid, child);
  tell(`started ${pid}`);
  child.once("exit", () => {
    processes.delete(pid);
    tell(`ended ${pid}`);
  });
}

/** Makes a temporary folder that is removed when the run ends in any way. */
export function temporaryFolder(purpose: string): string {
  let folder: string;
  try {
    folder = mkdtempSync(join(tmpdir(), `learn-nats-${purpose}-`));
  } catch (error) {
    throw new EnvironmentTrouble(
      `No temporary folder could be made in ${tmpdir()}: ${(error as Error).message}`,
      "Make room there or make it writable, or name another folder in the environment variable TMPDIR.",
      { cause: error },
    );
  }
  folders.add(folder);
  tell(`made ${folder}`);
  return folder;
}

/** Lists a folder or a file that was made elsewhere: it is removed when the run ends in any way. */
export function removeAtEnd(folder: string): void {
  folders.add(folder);
  tell(`made ${folder}`);
}

/** Removes a listed folder or file now; one that somebody still holds, as a virus scanner does, when the run ends. */
export function removeFolder(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
  } catch {
    return;
  }
  folders.delete(folder);
  tell(`removed ${folder}`);
}

/** Ends everything that this run started and removes what it made. Synchronous, so that it can be the last thing of a run. */
export function reapAll(): void {
  for (const pid of processes.keys()) endProcess(pid);
  if (reaper) endStragglers(runMark);
  for (const folder of folders) removeFolder(folder);
  reaper?.stdin?.end();
}

/** Starts the reaper ahead of the first process, so that it costs no waiting. */
export function startReaper(): void {
  if (reaper) return;
  reaper = spawn(process.execPath, [builtFile("reaper.mjs")], {
    stdio: ["pipe", "ignore", "ignore"],
    env: localEnvironment(),
    // A session of its own: Ctrl-C in the terminal reaches the whole foreground group, and must not end the reaper first.
    detached: true,
    windowsHide: true,
  });
  reaper.unref();
  (reaper.stdin as unknown as { unref(): void }).unref();
  reaper.stdin?.on("error", () => {});
  reaper.once("exit", () => {
    // Something killed the reaper. The run goes on; the next process that is started brings a new one.
    reaper = undefined;
  });
  reaper.stdin?.write(`mark ${runMark}\n`);
  for (const pid of processes.keys()) reaper.stdin?.write(`started ${pid}\n`);
  for (const folder of folders) reaper.stdin?.write(`made ${folder}\n`);
}

function tell(line: string): void {
  startReaper();
  reaper?.stdin?.write(`${line}\n`);
}
