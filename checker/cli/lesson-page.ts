// Opens a lesson's page in the browser: serves the site on this machine for as long as the watch runs.
import { type ChildProcess, spawn } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Lesson } from "../course/lessons.ts";
import { root } from "../course/places.ts";
import { endProcess } from "../nats/end-process.ts";
import { watchOver } from "../nats/reaper.ts";

/** Building the site takes about a second; a loaded machine gets more. */
const servedWithinMs = 60_000;

export class LessonPages {
  #site: ChildProcess | undefined;
  #address: Promise<string> | undefined;

  /** @returns what to tell the learner: where the page is, and whether a browser was asked to open it */
  async open(lesson: Lesson): Promise<{ url: string; opened: boolean }> {
    this.#address ??= this.#serve();
    const url = `${await this.#address}lessons/${lesson.folder}.html`;
    return { url, opened: hasScreen() && (await openInBrowser(url)) };
  }

  close(): void {
    if (this.#site?.pid !== undefined && this.#site.exitCode === null) endProcess(this.#site.pid);
    this.#site = undefined;
  }

  #serve(): Promise<string> {
    const tsx = join(
      dirname(createRequire(join(root, "package.json")).resolve("tsx/package.json")),
      "dist",
      "cli.mjs",
    );
    const site = spawn(process.execPath, [tsx, join(root, "site", "main.ts"), "serve", "--port", "0"], {
      cwd: root,
      stdio: ["ignore", "pipe", "pipe"],
      detached: process.platform !== "win32",
      windowsHide: true,
    });
    this.#site = site;
    watchOver(site);
    return new Promise((resolve, reject) => {
      let said = "";
      const fail = (why: string) => {
        this.close();
        this.#address = undefined;
        reject(new Error(why));
      };
      const timer = setTimeout(() => fail("it took too long"), servedWithinMs);
      const listen = (text: string) => {
        said += text;
        const [url] = /http:\/\/127\.0\.0\.1:\d+\//.exec(said) ?? [];
        if (!url) return;
        clearTimeout(timer);
        resolve(url);
      };
      site.stdout.setEncoding("utf8").on("data", listen);
      site.stderr.setEncoding("utf8").on("data", listen);
      site.once("error", (error) => fail(error.message));
      site.once("exit", () => {
        clearTimeout(timer);
        fail(said.trim() || "it ended by itself");
      });
    });
  }
}

/** Over ssh or on a machine without a screen, a browser would open where nobody sees it. */
function hasScreen(env: NodeJS.ProcessEnv = process.env): boolean {
  if (env.BROWSER) return true;
  if (env.SSH_CONNECTION || env.SSH_TTY) return false;
  if (process.platform !== "linux") return true;
  return Boolean(env.DISPLAY || env.WAYLAND_DISPLAY || env.WSL_DISTRO_NAME);
}

async function openInBrowser(url: string): Promise<boolean> {
  try {
    const { default: open } = await import("open");
    const named = process.env.BROWSER;
    const started = await open(url, named ? { app: { name: named } } : {});
    return await new Promise((resolve) => {
      started.once("error", () => resolve(false));
      // It is a helper that hands the page on to a browser: when it fails, it fails at once.
      started.once("exit", (code) => resolve(code === 0));
      setTimeout(() => resolve(true), 2_000).unref();
    });
  } catch {
    return false;
  }
}
