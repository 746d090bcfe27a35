// What the lesson site costs, against VitePress on the same markdown in the same run: the time of a build, the bytes of a first load, and
// how long it takes from saving a file until the open pages are told. Everything happens in temporary folders.
import { spawn } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, posix } from "node:path";
import { gzipSync } from "node:zlib";
import { execa } from "execa";
import { allLessons, type Lesson } from "../course/lessons.ts";
import { root } from "../course/places.ts";
import { localEnvironment, removeFolder, temporaryFolder, watchOver } from "../nats/reaper.ts";
import { ratio, spread, type TimedCommand, times } from "./turns.ts";

const npm = process.platform === "win32" ? "npm.cmd" : "npm";

/** The builds take seconds: a third of the rounds is enough for them. */
export async function benchSite(rounds: number) {
  const folder = temporaryFolder("bench-site");
  try {
    const course = copyOfTheCourse(join(folder, "course"));
    const { site: press, version, files } = await vitePress(join(folder, "vitepress"));
    const ours = (prepare?: () => void): TimedCommand => ({
      command: [npm, "run", "-s", "site", "--", "build"],
      cwd: course,
      status: 0,
      ...(prepare && { prepare }),
    });
    const forget = () => rmSync(join(course, ".learn-nats"), { recursive: true, force: true });
    const theirs: TimedCommand = { command: [npm, "run", "-s", "build"], cwd: press, status: 0 };
    // Everything anew stands before: it leaves what it highlighted to the next.
    const [anew = [], kept = [], vitepress = []] = await times(
      [ours(forget), ours(), theirs],
      Math.max(3, Math.round(rounds / 3)),
    );
    return {
      version,
      files,
      kept: { took: spread(kept), faster: ratio(vitepress, kept) },
      anew: { took: spread(anew), faster: ratio(vitepress, anew) },
      vitepress: spread(vitepress),
      firstLoads: allLessons(course).map(({ folder: name }) => ({
        folder: name,
        ours: firstLoad(join(course, "site", "dist"), `lessons/${name}.html`),
        theirs: firstLoad(join(press, ".vitepress", "dist"), `lessons/${name}/README.html`),
      })),
      saveMs: spread(await saves(course, rounds)),
    };
  } finally {
    removeFolder(folder);
  }
}

function copyOfTheCourse(to: string): string {
  for (const part of [
    "README.md",
    "LICENSE",
    "CONTRIBUTING.md",
    "package.json",
    "checker",
    "lessons",
    "solutions",
    "site",
  ])
    cpSync(join(root, part), join(to, part), {
      recursive: true,
      filter: (from) => from !== join(root, "site", "dist"),
    });
  symlinkSync(realpathSync(join(root, "node_modules")), join(to, "node_modules"), "junction");
  return to;
}

/** VitePress as its guide sets it up, without its search, with the markdown that our site is made of. */
async function vitePress(site: string): Promise<{ site: string; version: string; files: number }> {
  mkdirSync(join(site, ".vitepress"), { recursive: true });
  const manifest = { private: true, type: "module", scripts: { build: "vitepress build" } };
  writeFileSync(join(site, "package.json"), JSON.stringify(manifest));
  await execa(npm, ["install", "vitepress@1.6", "--no-audit", "--no-fund"], { cwd: site, stdin: "ignore" });
  // Links to what is no page (a licence, an exercise) are no mistake on GitHub.
  writeFileSync(
    join(site, ".vitepress", "config.mjs"),
    'export default { title: "learn-nats", ignoreDeadLinks: true, srcExclude: ["node_modules/**"] };\n',
  );
  cpSync(join(root, "README.md"), join(site, "README.md"));
  cpSync(join(root, "site", "pages", "instructors.md"), join(site, "instructors.md"));
  const lessons = allLessons();
  for (const lesson of lessons) {
    const to = join(site, "lessons", lesson.folder);
    mkdirSync(to, { recursive: true });
    cpSync(lesson.readme, join(to, "README.md"));
    cpSync(join(lesson.path, "timelines"), join(to, "timelines"), { recursive: true });
  }
  const { version } = JSON.parse(
    readFileSync(join(site, "node_modules", "vitepress", "package.json"), "utf8"),
  );
  return { site, version, files: lessons.length + 2 };
}

/** The compressed bytes that a browser needs for a page of a built site: the HTML, and the scripts and styles that it names or they import. */
function firstLoad(dist: string, page: string): number {
  const seen = new Set<string>();
  const load = (path: string): number => {
    if (seen.has(path)) return 0;
    seen.add(path);
    const text = readFileSync(join(dist, path), "utf8");
    const names = path.endsWith(".html")
      ? text.matchAll(/<(?:script|link)\b[^>]*?\s(?:src|href)="([^"]+\.(?:js|css))"/g)
      : path.endsWith(".js")
        ? text.matchAll(/(?:\bfrom|\bimport)\s*"(\.[^"]+\.js)"/g)
        : [];
    const parts = [...names].map(([, name = ""]) =>
      load(name.startsWith("/") ? name.slice(1) : posix.join(posix.dirname(path), name)),
    );
    return gzipSync(text).length + parts.reduce((sum, bytes) => sum + bytes, 0);
  };
  return load(page);
}

/** Saves a lesson again and again while the site is served, and waits each time until the server tells the open pages. */
async function saves(course: string, rounds: number): Promise<number[]> {
  const server = spawn(process.execPath, ["--import", "tsx", "site/main.ts", "serve", "--port", "0"], {
    cwd: course,
    env: localEnvironment(),
    stdio: ["ignore", "pipe", "inherit"],
  });
  watchOver(server);
  const ended = new Promise((resolve) => server.once("exit", resolve));
  try {
    const address = await saying(server.stdout, /http:\/\/127\.0\.0\.1:\d+\//);
    const { body } = await within(30_000, fetch(`${address}reload`), "the server's answer");
    const told = body?.getReader();
    if (!told) throw new Error("The server tells nothing.");
    const lessons = allLessons(course);
    const found: number[] = [];
    for (let round = -1; round < rounds; round++) {
      const { readme } = lessons[(round + lessons.length) % lessons.length] as Lesson;
      const text = readFileSync(readme, "utf8");
      const from = performance.now();
      writeFileSync(readme, `${text}\nSaved in round ${round}.\n`);
      await within(30_000, told.read(), "the server's word after a change");
      // The first one is the warm-up.
      if (round >= 0) found.push(performance.now() - from);
    }
    await told.cancel();
    return found;
  } finally {
    server.kill();
    await ended;
  }
}

async function saying(output: NodeJS.ReadableStream, what: RegExp): Promise<string> {
  let text = "";
  const heard = new Promise<string>((resolve, reject) => {
    output.on("data", (chunk) => {
      text += chunk;
      const match = what.exec(text);
      if (match) resolve(match[0]);
    });
    output.once("end", () => reject(new Error(`The server ended:\n${text}`)));
  });
  return within(60_000, heard, "the server's address");
}

function within<T>(ms: number, promise: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not come within ${ms / 1000} s`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
