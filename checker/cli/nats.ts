// npm run nats: the nats CLI that the course is made with, with a folder of contexts of the course's own.
import { spawn } from "node:child_process";
import { exitStatus } from "../grading/verdict.ts";
import { natsCliEnvironment } from "../nats/cli.ts";
import { findProgram } from "../nats/install/find.ts";
import { isFree, labPort } from "../nats/port.ts";
import { watchOver } from "../nats/reaper.ts";
import { installProgress } from "./progress.ts";
import { printError, wrap } from "./text.ts";

/** @returns the CLI's own exit status */
export async function runNats(args: readonly string[]): Promise<number> {
  const { path } = await findProgram("nats", { onProgress: installProgress() });
  const child = spawn(path, args, { stdio: "inherit", env: natsCliEnvironment(), windowsHide: true });
  watchOver(child);
  // Ctrl-C reaches the CLI too, which has something to say at its end: we go when it has gone.
  process.removeAllListeners("SIGINT");
  process.on("SIGINT", () => {});
  const status = await new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      resolve(code ?? (signal === "SIGINT" ? exitStatus.interrupted : exitStatus.environment));
    });
  });
  if (status === 1 && args[0] !== "context" && !namesServer(args) && (await isFree(labPort))) {
    printError(
      wrap(
        `Nobody listens on 127.0.0.1:${labPort}, where the course's lab is. If you meant the lab: \`npm run lab lesson-08\` starts it, in a terminal of its own.`,
      ),
    );
  }
  return status;
}

/** Another server is meant than that of the lab. */
function namesServer(args: readonly string[]): boolean {
  return args.some((arg) => /^(-s|--server\b)/.test(arg)) && !args.join(" ").includes(`:${labPort}`);
}
