// How much memory programs have now.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";

/** How often `ps` is asked, in milliseconds: it costs some 10 ms of processor time. */
const psEveryMs = 500;
/** One that hangs is not waited for. */
const psPatienceMs = 5_000;

/** Weighs processes. Linux reads /proc (proc(5)), other POSIX systems ask `ps`; on Windows Node's own limit has to do. */
export class Scales {
  #weighing = false;
  #weighedAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly platform: NodeJS.Platform = process.platform) {}

  /**
   * Tells the resident memory of each process, in MB (2^20 bytes): on Linux before it returns, elsewhere a little later, and not more
   * often than twice a second. Of a process that has ended nothing is told.
   */
  weigh(pids: readonly number[], tell: (pid: number, usedMb: number) => void): void {
    if (this.platform === "linux") {
      for (const pid of pids) {
        const usedMb = residentMb(pid);
        if (usedMb !== undefined) tell(pid, usedMb);
      }
    } else if (this.platform !== "win32") this.#askPs(pids, tell);
  }

  #askPs(pids: readonly number[], tell: (pid: number, usedMb: number) => void): void {
    const now = performance.now();
    if (this.#weighing || pids.length === 0 || now - this.#weighedAt < psEveryMs) return;
    this.#weighing = true;
    this.#weighedAt = now;
    const options = { timeout: psPatienceMs, killSignal: "SIGKILL" } as const;
    execFile("ps", ["-o", "pid=,rss=", "-p", pids.join(",")], options, (_error, table) => {
      this.#weighing = false;
      for (const [, pid, kibibytes] of table.matchAll(/^ *(\d+) +(\d+)$/gm))
        tell(Number(pid), Math.round(Number(kibibytes) / 1_024));
    });
  }
}

function residentMb(pid: number): number | undefined {
  try {
    // Not statm: it counts in pages, and how large a page is differs.
    const [, kibibytes] = /^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1")) ?? [];
    return kibibytes === undefined ? undefined : Math.round(Number(kibibytes) / 1_024);
  } catch {
    // It ended meanwhile.
    return undefined;
  }
}
