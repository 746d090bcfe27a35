// Ends a process for certain, with what it started.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** The environment variable that marks every process of one run, and so what such a process starts in turn. */
export const markVariable = "LEARN_NATS_RUN";

/** Kills the process and its group, stopped or not. Never throws: a process that is gone already is what was wanted. */
export function endProcess(pid: number): void {
  if (process.platform === "win32") {
    spawnSync("taskkill", ["/pid", String(pid), "/T", "/F"], { stdio: "ignore", windowsHide: true });
    return;
  }
  for (const target of [-pid, pid]) {
    try {
      process.kill(target, "SIGKILL");
    } catch {
      // Gone, or not a group of its own.
    }
  }
}

/**
 * Ends processes that carry the mark in their environment: what a learner's program started and left running, even in a session of
 * its own. Linux only (it reads /proc); elsewhere the process group has to do.
 * @param mark the beginning of the value of LEARN_NATS_RUN
 * @returns how many were ended
 */
export function endStragglers(mark: string): number {
  const left = stragglers(mark);
  for (const pid of left) endProcess(pid);
  return left.length;
}

/** The ids of running processes whose environment carries the mark. */
export function stragglers(mark: string): number[] {
  if (process.platform !== "linux") return [];
  const wanted = `${markVariable}=${mark}`;
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && environmentOf(pid).some((entry) => entry.startsWith(wanted)));
}

function environmentOf(pid: number): string[] {
  try {
    // A zombie reads as empty: it is dead already.
    return readFileSync(`/proc/${pid}/environ`, "latin1").split("\0");
  } catch {
    return [];
  }
}
