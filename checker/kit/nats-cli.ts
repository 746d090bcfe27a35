// The nats CLI in a check: the pinned program, with an empty configuration folder that nobody else has.
import { spawn } from "node:child_process";
import { natsCliEnvironment } from "../nats/cli.ts";
import type { FoundProgram } from "../nats/install/find.ts";
import { markedEnvironment, removeFolder, temporaryFolder, watchOver } from "../nats/reaper.ts";
import { needed } from "./needed.ts";

export interface CliResult {
  readonly status: number;
  /** Both streams, as they came. */
  readonly output: string;
}

/** No command of a check talks to anything but a server on this machine; in milliseconds, for a slow one. */
const longestMs = 60_000;

export class NatsCli {
  /** Where it keeps what it saves; contexts lie in `nats/context`. */
  readonly folder = temporaryFolder("cli");

  private constructor(private readonly program: FoundProgram) {}

  /** @throws CannotCheck when it is not here: then the check is skipped */
  static async find(): Promise<NatsCli> {
    return new NatsCli(await needed("nats"));
  }

  run(args: readonly string[]): Promise<CliResult> {
    // Addresses and users that a person has set for himself are not the check's.
    const own = Object.entries(natsCliEnvironment(this.folder)).filter(
      ([name]) => !name.startsWith("NATS_") || name.endsWith("_BIN"),
    );
    return new Promise((resolve, reject) => {
      const child = spawn(this.program.path, args, {
        stdio: ["ignore", "pipe", "pipe"],
        env: { ...pick(markedEnvironment(), "LEARN_NATS_RUN"), ...Object.fromEntries(own), NO_COLOR: "1" },
        detached: process.platform !== "win32",
        timeout: longestMs,
        windowsHide: true,
      });
      watchOver(child);
      let output = "";
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding("utf8");
        stream.on("data", (text: string) => {
          output = (output + text).slice(0, 100_000);
        });
      }
      child.once("error", reject);
      child.once("close", (code) => resolve({ status: code ?? -1, output }));
    });
  }

  close(): void {
    removeFolder(this.folder);
  }
}

const pick = (env: NodeJS.ProcessEnv, name: string): NodeJS.ProcessEnv => ({ [name]: env[name] });
