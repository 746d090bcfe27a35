// A room for tests: a host as a real process, and learners with a course folder and a terminal of their own.
import { type ChildProcess, spawn } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative, sep } from "node:path";
import { execa } from "execa";
import { ensureBuild } from "../../checker/build.mjs";
import { root } from "../../checker/course/places.ts";

export function temporary(purpose: string): string {
  return mkdtempSync(join(tmpdir(), `learn-nats-test-${purpose}-`));
}

/** The first of three ports in a row that are free now. */
export async function threePorts(): Promise<number> {
  for (;;) {
    const first = 20_000 + Math.floor(Math.random() * 12_000);
    const free = await Promise.all([0, 1, 2].map((more) => isFree(first + more)));
    if (free.every(Boolean)) return first;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

/** Asks until the answer is something. @throws Error that says what was waited for */
export async function until<T>(
  what: string,
  ask: () => T | Promise<T>,
  withinMs = 60_000,
): Promise<NonNullable<T>> {
  const end = performance.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== null && answer !== false) return answer;
    if (performance.now() > end) throw new Error(`Waited ${withinMs} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export interface RunningHost {
  readonly process: ChildProcess;
  readonly address: string;
  readonly code: string;
  readonly dashboard: string;
  /** Ends it with this signal, and waits until it is gone. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** `npm run classroom`, as a process. */
export async function startHost(
  folder: string,
  port: number,
  more: readonly string[] = [],
): Promise<RunningHost> {
  const child = spawn(
    process.execPath,
    [join(root, "checker", "main.mjs"), "classroom", "--port", String(port), ...more],
    {
      cwd: root,
      env: { ...process.env, LEARN_NATS_CLASSROOM: folder, NO_COLOR: "1" },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  let said = "";
  child.stdout?.on("data", (part) => {
    said += part;
  });
  child.stderr?.on("data", (part) => {
    said += part;
  });
  const gone = new Promise<number | null>((resolve) => child.once("exit", resolve));
  await until("the classroom is open", () => {
    if (child.exitCode !== null) throw new Error(`The classroom ended with ${child.exitCode}:\n${said}`);
    return said.includes("Ctrl+C");
  });
  const found = (pattern: RegExp) => pattern.exec(said)?.[1] ?? "";
  return {
    process: child,
    address: found(/npm run join (\S+)/),
    code: found(/Code\s+(\S+)/),
    dashboard: found(/Dashboard\s+(\S+)/),
    async end(signal) {
      child.kill(signal);
      return gone;
    },
  };
}

/** A learner's own copy of the course. */
export class Learner {
  readonly folder: string;

  constructor(readonly name: string) {
    this.folder = temporary("learner");
    const copied = ["checker", "lessons", "solutions", "package.json", "package-lock.json", "tsconfig.json"];
    for (const each of copied)
      cpSync(join(root, each), join(this.folder, each), { recursive: true, preserveTimestamps: true });
    symlinkSync(join(root, "node_modules"), join(this.folder, "node_modules"), "junction");
    // The same sources of the same times: nothing has to be built again.
    const build = ensureBuild(root);
    const builds = join(this.folder, ".learn-nats", "build");
    mkdirSync(builds, { recursive: true });
    cpSync(build, join(builds, basename(build)), { recursive: true });
  }

  get home(): string {
    return join(this.folder, ".learn-nats", "classroom", "learner");
  }

  async run(...args: string[]): Promise<{ status: number; out: string; err: string }> {
    const { exitCode, stdout, stderr } = await execa(
      process.execPath,
      [join(this.folder, "checker", "main.mjs"), ...args],
      { cwd: this.folder, reject: false, stdin: "ignore", env: { NO_COLOR: "1" } },
    );
    return { status: exitCode ?? -1, out: stdout, err: stderr };
  }

  /** Puts a file of the solutions in the place of the exercise. */
  writes(lesson: string, file: string): void {
    const code = readFileSync(join(root, "solutions", lesson, file), "utf8");
    // Its own imports are of its neighbours there.
    writeFileSync(
      join(this.folder, "lessons", lesson, "exercise.ts"),
      code.replaceAll(/from "(\.\.?\/[^"]+)"/g, (_, path: string) => {
        const target = relative(
          join(this.folder, "lessons", lesson),
          join(this.folder, "solutions", lesson, dirname(file), path),
        );
        return `from "${target.split(sep).join("/")}"`;
      }),
    );
  }

  waiting(): number {
    try {
      return readdirSync(join(this.home, "outbox")).filter((name) => name.endsWith(".json")).length;
    } catch {
      return 0;
    }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  }
}
