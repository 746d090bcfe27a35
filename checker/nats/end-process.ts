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

/** The ids of the processes that a process started, and those that they started in turn. Linux only; elsewhere none. */
export function descendants(pid: number): number[] {
  if (process.platform !== "linux") return [];
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").split(" ").filter(Boolean);
    return children.map(Number).flatMap((child) => [child, ...descendants(child)]);
  } catch {
    return [];
  }
}

/** When a running process was started, in the kernel's ticks; undefined when it does not run (a zombie neither). Linux only. */
export function startOf(pid: number): string | undefined {
  const fields = statOf(pid);
  return fields && fields[0] !== "Z" && fields[0] !== "X" ? fields[19] : undefined;
}

/** Processor time that a process has used so far, in milliseconds; undefined when it cannot be told. Linux only. */
export function processorTimeMs(pid: number): number | undefined {
  const fields = statOf(pid);
  // The kernel counts these in hundredths of a second, on every architecture that Node runs on (USER_HZ).
  return fields && (Number(fields[11]) + Number(fields[12])) * 10;
}

/** Whether a process wants to run now, or does; false when that cannot be told. Linux only. */
export function wantsToRun(pid: number): boolean {
  return statOf(pid)?.[0] === "R";
}

/** The fields of /proc/PID/stat from the third on: what comes before is the name, which may hold anything (proc(5)). */
function statOf(pid: number): string[] | undefined {
  if (process.platform !== "linux") return undefined;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}

function environmentOf(pid: number): string[] {
  try {
    // A zombie reads as empty: it is dead already.
    return readFileSync(`/proc/${pid}/environ`, "latin1").split("\0");
  } catch {
    return [];
  }
}
