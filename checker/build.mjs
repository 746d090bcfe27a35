// Makes plain JavaScript of the checker (TypeScript) with esbuild, when the sources changed. Node 20 cannot run
// TypeScript, and one bundle loads many times faster than fifty files. Plain JavaScript itself, so that it needs no build.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);

/**
 * The folder with the built checker, built now if it is out of date. Builds of two processes at once do not disturb each other:
 * each is made aside and renamed to a name that stands for the sources' state.
 * @param {string} [root] the course's root
 * @returns {string}
 */
export function ensureBuild(root = dirname(dirname(fileURLToPath(import.meta.url)))) {
  const builds = join(root, ".learn-nats", "build");
  const sources = listSources(root);
  const folder = join(builds, keyOf(root, sources));
  if (existsSync(join(folder, "done"))) return folder;
  const making = join(builds, `making-${process.pid}-${Date.now()}`);
  mkdirSync(making, { recursive: true });
  try {
    const { buildSync } = require("esbuild");
    buildSync({
      ...common,
      entryPoints: entries(root),
      outdir: making,
      entryNames: "[dir]/[name]",
      chunkNames: "chunk-[hash]",
      outExtension: { ".js": ".mjs" },
      splitting: true,
      format: "esm",
      external: leftOutside,
      banner: {
        js: 'import { createRequire as makeRequire } from "node:module"; const require = makeRequire(import.meta.url);',
      },
    });
    buildHost(root, making, buildSync);
    writeFileSync(join(making, "done"), "");
    renameSync(making, folder);
  } catch (error) {
    rmSync(making, { recursive: true, force: true });
    if (!existsSync(join(folder, "done"))) throw error;
  }
  forgetOldBuilds(builds, basename(folder));
  return folder;
}

/** V8 takes a cache only under the flags that it was made with: those of a program with the usual memory (checker/kit/host-process.ts). */
const usualMemory = "--max-old-space-size=512";

const common = /** @type {const} */ ({
  bundle: true,
  platform: "node",
  target: "node20",
  logLevel: "silent",
  // Reading a map costs more at each start than a map is worth; LEARN_NATS_MAPS=1 brings them for a search.
  sourcemap: process.env.LEARN_NATS_MAPS === "1" && "inline",
});

/** Packages that are large, or needed rarely: loaded as they are, and only when they are used. The others are bundled. */
const leftOutside = [
  ...[
    "vitest",
    "vitest/*",
    "esbuild",
    "typescript",
    "typescript/*",
    "tsx",
    "execa",
    "undici",
    "tar",
    "yauzl",
    "proper-lockfile",
    "node-nats-streaming",
  ],
  ...["cli-progress", "diff", "junit-report-builder", "write-file-atomic"],
];

/**
 * The host of learner programs: many are started, so each millisecond of its start counts. One file with `nats` in it, and beside it V8's
 * code cache of that file; start-host.cjs loads the two. The program's own `import "nats"` must give that same `nats`: nats/index.mjs is put
 * beside the program as its `nats` package, and passes on what the host has loaded.
 * @param {string} root
 * @param {string} folder
 * @param {typeof import("esbuild").buildSync} buildSync
 */
function buildHost(root, folder, buildSync) {
  buildSync({
    ...common,
    entryPoints: [join(root, "checker/kit/host.ts")],
    outfile: join(folder, "host.cjs"),
    format: "cjs",
    external: ["node-nats-streaming"],
    // A script that is run from the code cache cannot import.
    supported: { "dynamic-import": false },
  });
  copyFileSync(join(root, "checker/kit/start-host.cjs"), join(folder, "start-host.cjs"));
  const names = Object.keys(require("nats")).filter((name) => name !== "default" && name !== "__esModule");
  mkdirSync(join(folder, "nats"));
  writeFileSync(
    join(folder, "nats", "index.mjs"),
    `const nats = globalThis[Symbol.for("learn-nats.nats")];\nexport default nats;\nexport const { ${names.join(", ")} } = nats;\n`,
  );
  const { version } = require("nats/package.json");
  writeFileSync(
    join(folder, "nats", "package.json"),
    JSON.stringify({ name: "nats", version, type: "module", exports: "./index.mjs" }),
  );
  // The cache is a help, not a need: without it the host starts a little later.
  spawnSync(process.execPath, [usualMemory, join(folder, "start-host.cjs"), "--make-cache"], {
    // The host takes its two pipes from descriptors 3 and 4.
    stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
    timeout: 20_000,
  });
}

/** @param {string} root */
function entries(root) {
  /** @type {Record<string, string>} */
  const found = {
    cli: join(root, "checker/cli/main.ts"),
    kit: join(root, "checker/kit/index.ts"),
    "check-runner": join(root, "checker/grading/check-runner.ts"),
    reaper: join(root, "checker/nats/reaper-main.ts"),
    grader: join(root, "checker/watch/grader-main.ts"),
    sender: join(root, "checker/classroom/sender-main.ts"),
  };
  for (const lesson of readdirSync(join(root, "lessons")).sort()) {
    for (const part of ["checks", "lab"]) {
      const file = join(root, "lessons", lesson, `${part}.ts`);
      if (existsSync(file)) found[`${part}-${lesson}`] = file;
    }
  }
  return found;
}

/** @param {string} root */
function listSources(root) {
  const files = readdirSync(join(root, "checker"), { recursive: true, withFileTypes: true })
    .filter(
      (entry) =>
        entry.isFile() && /\.(ts|mjs|cjs|json)$/.test(entry.name) && !entry.name.endsWith(".test.ts"),
    )
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
  for (const lesson of readdirSync(join(root, "lessons"))) {
    for (const part of ["checks.ts", "lab.ts"]) {
      const file = join(root, "lessons", lesson, part);
      if (existsSync(file)) files.push(file);
    }
  }
  const lock = join(root, "package-lock.json");
  if (existsSync(lock)) files.push(lock);
  return files.sort();
}

/**
 * @param {string} root
 * @param {string[]} sources
 */
function keyOf(root, sources) {
  // V8's code cache is of one Node version.
  const hash = createHash("sha256").update(
    `${process.version} ${process.arch} ${process.env.LEARN_NATS_MAPS ?? ""}\n`,
  );
  for (const file of sources) {
    const { mtimeMs, size } = statSync(file);
    hash.update(`${relative(root, file)} ${mtimeMs} ${size}\n`);
  }
  return hash.digest("hex").slice(0, 16);
}

/**
 * Keeps what another process may still be running from: builds of the last hour stay.
 * @param {string} builds
 * @param {string} current
 */
function forgetOldBuilds(builds, current) {
  for (const name of readdirSync(builds)) {
    if (name === current) continue;
    const folder = join(builds, name);
    try {
      if (Date.now() - statSync(folder).mtimeMs > 3_600_000) rmSync(folder, { recursive: true, force: true });
    } catch {
      // Another process was quicker.
    }
  }
}
