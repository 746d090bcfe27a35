// Starts the process that a learner's program runs in. It waits, with `nats` loaded, until it is given something to do.
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import type { Readable, Writable } from "node:stream";
import type { ConnectionOptions } from "nats";
import { builtFile } from "../course/built.ts";
import { descendants, endProcess, endStragglers, startOf, stragglers } from "../nats/end-process.ts";
import { markedEnvironment, runMark, watchOver } from "../nats/reaper.ts";
import { authentic, Channel, lineReader } from "./channel.ts";

export const defaultMemoryMb = 512;

/**
 * On POSIX a shell stands between us and the program: it is the parent that `process.ppid` names, so that a program which
 * ends its parent does not end the checker. On Windows that is not to be had so simply; the reaper clears up there.
 */
const throughShell = process.platform !== "win32";
/** Runs the host, and then ends the way the host did. The signals from 17 to 22 end nothing, and some would stop the shell. */
const shellScript =
  '"$0" "$@"; status=$?; [ $status -gt 128 ] && [ $status -lt 160 ] && { [ $status -lt 145 ] || [ $status -gt 150 ]; } && kill -$((status-128)) $$; exit $status';

let started = 0;

export interface Exit {
  /** Exit status; null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** The bare process: pipes, signals and its end. What is said over the pipes is the business of LearnerProgram. */
export class HostProcess {
  readonly secret = randomBytes(16).toString("hex");
  /** Marks this process and its children among those of the run. The dot ends it: the first one is not the beginning of the tenth. */
  readonly part = `program-${++started}.`;
  readonly child: ChildProcess;
  /** The id of the Node process itself, when it has said it. */
  pid: number | undefined;
  exit: Exit | undefined;
  /** The shell went, but the program did not: it ended its parent. */
  lostParent = false;
  readonly exited: Promise<Exit>;
  #onInspector: ((url: string) => void) | undefined;
  /** Processes that the program started, with the time of their start: an id alone may be given to another later. */
  readonly #children = new Map<number, string>();
  onLine: (line: string) => void = () => {};
  onForged: () => void = () => {};
  onOutput: (text: string) => void = () => {};
  onExit: () => void = () => {};
  #early: string[] = [];
  #heard = false;
  #rehearsal: Channel | undefined;
  #inUse: () => void = () => {};

  constructor(readonly memoryMb = defaultMemoryMb) {
    const node = [
      process.execPath,
      `--max-old-space-size=${memoryMb}`,
      // Should it ever have to be asked where it loops: any port, and only then.
      "--inspect-port=127.0.0.1:0",
      builtFile("start-host.cjs"),
    ];
    const [command, args] = throughShell
      ? ["/bin/sh", ["-c", shellScript, ...node]]
      : [process.execPath, node.slice(1)];
    this.child = spawn(command as string, args as string[], {
      stdio: ["ignore", "pipe", "pipe", "pipe", "pipe"],
      env: markedEnvironment(this.part),
      detached: throughShell,
      windowsHide: true,
    });
    watchOver(this.child);
    this.exited = this.#watchExit();
    const reports = this.child.stdio[4] as Readable;
    reports.setEncoding("latin1");
    reports.on(
      "data",
      lineReader((line) => {
        const packet = authentic(line, this.secret);
        if (packet === undefined) this.onForged();
        else if (this.#heard) this.onLine(packet);
        else {
          this.#early.push(packet);
          this.#rehearsal?.receive(packet);
        }
      }),
    );
    for (const stream of [this.child.stdout, this.child.stderr] as Readable[]) {
      stream.setEncoding("utf8");
      stream.on("data", (text: string) =>
        this.onOutput(this.#onInspector ? this.#withoutInspector(text) : text),
      );
    }
    (this.child.stdio[3] as Writable).on("error", () => {});
    this.write(this.secret);
  }

  /** From here on every line goes to `onLine`, those that came before first. */
  listen(onLine: (line: string) => void): void {
    this.#inUse();
    this.onLine = onLine;
    this.#heard = true;
    for (const line of this.#early.splice(0)) onLine(line);
  }

  write(line: string): void {
    (this.child.stdio[3] as Writable).write(`${line}\n`);
  }

  /** Whether it has rehearsed, or has begun to. */
  get rehearsed(): boolean {
    return this.#rehearsal !== undefined;
  }

  /**
   * Lets the process do once what programs do (checker/kit/rehearsal.ts), while nobody waits for it.
   * @param options how to connect to a server that is there for nothing else
   * @returns when it is done, or the process is gone or in use
   */
  async rehearse(options: ConnectionOptions): Promise<void> {
    const done = new Promise<void>((resolve) => {
      this.#inUse = resolve;
      this.#rehearsal = new Channel((line) => this.write(line), {
        call: () => {},
        event: (name) => name === "rehearsed" && resolve(),
        error: (error) => error as Error,
      });
      this.#rehearsal.event("rehearse", options);
    });
    await Promise.race([done, this.exited]);
  }

  signal(signal: NodeJS.Signals): void {
    const group = this.child.pid;
    if (group === undefined || this.exit) return;
    try {
      process.kill(throughShell ? -group : group, signal);
    } catch {
      // Gone already.
    }
  }

  /** Ends the process, with all that it started. */
  end(): void {
    if (this.child.pid !== undefined && !(this.exit && !this.lostParent)) endProcess(this.child.pid);
  }

  /**
   * Opens Node's inspector in the process, even while it loops (SIGUSR1, nodejs.org/api/process.html#signal-events).
   * @returns its WebSocket address; rejects when it does not open in time
   */
  openInspector(timeoutMs: number): Promise<string> {
    return new Promise((resolve, reject) => {
      const late = () => reject(new Error("The inspector did not open."));
      const timer = setTimeout(late, timeoutMs);
      this.#onInspector = (url) => {
        clearTimeout(timer);
        resolve(url);
      };
      if (this.pid === undefined || process.platform === "win32") return late();
      try {
        process.kill(this.pid, "SIGUSR1");
      } catch {
        late();
      }
    });
  }

  /** Notes which processes the program has now: one without our mark in its environment is found by this alone. Linux. */
  lookForChildren(): void {
    if (this.pid === undefined) return;
    for (const pid of descendants(this.pid)) {
      const start = startOf(pid);
      if (start !== undefined) this.#children.set(pid, start);
    }
  }

  /** Ids of processes that the program started and that still run. */
  leftovers(): number[] {
    const marked = stragglers(`${runMark}:${this.part}`);
    const unmarked = [...this.#children].filter(([pid, start]) => startOf(pid) === start).map(([pid]) => pid);
    return [...new Set([...marked, ...unmarked])].filter((pid) => pid !== this.pid && pid !== this.child.pid);
  }

  endLeftovers(): void {
    for (const pid of this.leftovers()) endProcess(pid);
    endStragglers(`${runMark}:${this.part}`);
  }

  /** What Node itself says about its inspector is not the program's output. */
  #withoutInspector(text: string): string {
    const [, url] = /^Debugger listening on (ws:\/\/127\.0\.0\.1:\d+\/\S+)$/m.exec(text) ?? [];
    if (url) this.#onInspector?.(url);
    return text.replace(
      /^(Debugger (listening|ending) on |For help, see: https:\/\/nodejs\.org|Debugger attached).*\n?/gm,
      "",
    );
  }

  /** Whether the program itself still runs, whatever became of the shell before it. */
  #alive(): boolean {
    if (this.pid === undefined) return false;
    try {
      process.kill(this.pid, 0);
      return true;
    } catch {
      return false;
    }
  }

  #watchExit(): Promise<Exit> {
    return new Promise((resolve) => {
      const { child } = this;
      let shell: Exit | undefined;
      let pipeClosed = false;
      let looks = 0;
      const settle = () => {
        if (!shell || this.exit) return;
        if (!pipeClosed && this.#alive()) {
          this.lostParent = true;
          this.onExit();
          return;
        }
        // The program is gone; on a busy machine the pipe tells so later than the system does.
        if (!pipeClosed && ++looks < 100) {
          setTimeout(settle, 20);
          return;
        }
        this.exit = shell;
        resolve(shell);
        this.onExit();
      };
      // The program holds the other end of the report pipe; so it closes when the program itself is gone, shell or not.
      child.stdio[4]?.on("close", () => {
        pipeClosed = true;
        settle();
      });
      child.once("exit", (code, signal) => {
        shell = { code, signal };
        // The pipe's end may come a moment later.
        setImmediate(() => setTimeout(settle, pipeClosed ? 0 : 50));
      });
      child.once("error", () => {
        shell = { code: null, signal: null };
        pipeClosed = true;
        settle();
      });
    });
  }
}
