// Starts `npm run lab` as a person would, and reads the screen until the scene is complete.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { onTestFinished } from "vitest";
import { cacheFolder, root } from "../../checker/course/places.ts";
import { freePortAfter } from "../../checker/nats/port.ts";

/** Ports of tests that run side by side must not meet: it is none of those that a system gives to whoever asks for just any. */
export async function somePort(): Promise<number> {
  const port = await freePortAfter(10_000 + Math.floor(Math.random() * 22_000));
  if (!port) throw new Error("no free port");
  return port;
}

/** An empty home: what a command may not touch, and what it leaves there. */
export function emptyHome(): { home: string; tmp: string; env: NodeJS.ProcessEnv } {
  const home = mkdtempSync(join(tmpdir(), "home-"));
  onTestFinished(() => rmSync(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }));
  const tmp = join(home, "tmp");
  mkdirSync(tmp);
  const { XDG_CONFIG_HOME: _, ...env } = process.env;
  return {
    home,
    tmp,
    env: { ...env, LEARN_NATS_CACHE: cacheFolder(), HOME: home, USERPROFILE: home, TMPDIR: tmp, TEMP: tmp },
  };
}

export interface RunningLab {
  readonly pid: number;
  readonly url: string;
  /** All that it printed. */
  text(): string;
  kill(signal: NodeJS.Signals): void;
  readonly ended: Promise<{ exitCode?: number; signal?: string }>;
}

export async function startLab(
  lesson: string,
  flags: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<RunningLab> {
  const lab = execa(process.execPath, [join(root, "checker", "main.mjs"), "lab", lesson, ...flags], {
    cwd: root,
    reject: false,
    stdin: "ignore",
    all: true,
    env,
    extendEnv: false,
  });
  onTestFinished(() => void lab.kill("SIGKILL"));
  let text = "";
  await new Promise<void>((resolve, reject) => {
    lab.all.on("data", (part: Buffer) => {
      text += part.toString();
      if (text.includes("Ctrl-C ends the lab.")) resolve();
    });
    void lab.then(() => reject(new Error(`The lab ended:\n${text}`)));
  });
  return {
    pid: lab.pid as number,
    url: /nats:\/\/\S+/.exec(text)?.[0] ?? "",
    text: () => text,
    kill: (signal) => void lab.kill(signal),
    ended: lab.then(({ exitCode, signal }) => ({
      ...(exitCode !== undefined && { exitCode }),
      ...(signal && { signal }),
    })),
  };
}
