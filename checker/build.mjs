// Makes plain JavaScript of the checker (TypeScript) with esbuild, when the sources changed. Node 20 cannot run
// TypeScript, and one bundle loads many times faster than fifty files. Plain JavaScript itself, so that it needs no build.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
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
    require("esbuild").buildSync({
      entryPoints: entries(root),
      outdir: making,
      entryNames: "[dir]/[name]",
      chunkNames: "chunk-[hash]",
      outExtension: { ".js": ".mjs" },
      bundle: true,
      splitting: true,
      format: "esm",
      platform: "node",
      target: "node20",
      packages: "external",
      sourcemap: "linked",
      logLevel: "silent",
    });
    writeFileSync(join(making, "done"), "");
    renameSync(making, folder);
  } catch (error) {
    rmSync(making, { recursive: true, force: true });
    if (!existsSync(join(folder, "done"))) throw error;
  }
  forgetOldBuilds(builds, basename(folder));
  return folder;
}

/** @param {string} root */
function entries(root) {
  /** @type {Record<string, string>} */
  const found = {
    cli: join(root, "checker/cli/main.ts"),
    kit: join(root, "checker/kit/index.ts"),
    host: join(root, "checker/kit/host.ts"),
    reaper: join(root, "checker/nats/reaper-main.ts"),
  };
  for (const lesson of readdirSync(join(root, "lessons")).sort()) {
    const checks = join(root, "lessons", lesson, "checks.ts");
    if (existsSync(checks)) found[`checks-${lesson}`] = checks;
  }
  return found;
}

/** @param {string} root */
function listSources(root) {
  const files = readdirSync(join(root, "checker"), { recursive: true, withFileTypes: true })
    .filter(
      (entry) => entry.isFile() && /\.(ts|mjs|json)$/.test(entry.name) && !entry.name.endsWith(".test.ts"),
    )
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
  for (const lesson of readdirSync(join(root, "lessons"))) {
    const checks = join(root, "lessons", lesson, "checks.ts");
    if (existsSync(checks)) files.push(checks);
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
  const hash = createHash("sha256");
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
