// Starts processes that find a program, bundled by esbuild as the checker itself is.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, onTestFinished } from "vitest";
import { workFolder } from "../../checker/course/places.ts";
import type { ProgramName } from "../../checker/nats/install/find.ts";

// Inside the course, so that the packages that stay outside the bundle are found.
const bundle = join(workFolder, "tests", `finder-${process.pid}.mjs`);
await build({
  entryPoints: [fileURLToPath(new URL("finder-main.ts", import.meta.url))],
  outfile: bundle,
  bundle: true,
  platform: "node",
  format: "esm",
  packages: "external",
  logLevel: "error",
});

afterAll(() => rm(bundle, { force: true }));

export interface Line {
  readonly kind: string;
  readonly source?: string;
  readonly path?: string;
  readonly message?: string;
  readonly reason?: string;
  readonly bytes?: number;
}

export interface Finder {
  readonly child: ChildProcess;
  readonly lines: Line[];
  /** The first line of this kind, now or later. */
  line(kind: string): Promise<Line>;
  /** Everything that it printed, when it has ended. */
  ended(): Promise<{ lines: Line[]; status: number | null; stderr: string }>;
}

/** @param wrapper a command that runs the finder, such as `unshare -n` */
export function startFinder(name: ProgramName, wrapper: readonly string[] = []): Finder {
  const [command = "", ...args] = [...wrapper, process.execPath, bundle, name];
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines: Line[] = [];
  let stderr = "";
  child.stderr.on("data", (text) => {
    stderr += text;
  });
  const reader = createInterface(child.stdout);
  reader.on("line", (line) => lines.push(JSON.parse(line) as Line));
  const exited = once(child, "close");
  return {
    child,
    lines,
    async line(kind) {
      for (;;) {
        const found = lines.find((line) => line.kind === kind);
        if (found) return found;
        await Promise.race([
          once(reader, "line"),
          exited.then(() => {
            throw new Error(`the finder ended without ${kind}: ${JSON.stringify(lines)} ${stderr}`);
          }),
        ]);
      }
    },
    async ended() {
      const [status] = (await exited) as [number | null];
      return { lines, status, stderr };
    },
  };
}
