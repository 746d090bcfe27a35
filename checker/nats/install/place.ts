// Puts an installation into the cache in one step, so that it is there whole or not at all.
import { createHash } from "node:crypto";
import { accessSync, constants, existsSync, statSync } from "node:fs";
import { chmod, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { EnvironmentTrouble } from "../../course/errors.ts";
import { cacheFolder } from "../../course/places.ts";
import {
  binFolder,
  type Cached,
  type Marker,
  markerName,
  probeCached,
  readInstallation,
  sameVersion,
  tempFolder,
} from "./cache.ts";
import { InstallFailure } from "./failure.ts";
import { askVersion, remember } from "./probe.ts";
import { fileName, type Program } from "./programs.ts";

/**
 * Makes a prepared binary the cache's installation: checks that it runs, then moves it into place in one step.
 * @param stage a folder under {@link tempFolder} that holds nothing but the binary
 * @param expected the version that it must report, or undefined to take what it reports
 * @throws InstallFailure when the binary does not run, or is another version
 */
export async function finish(
  program: Program,
  stage: string,
  source: Marker["source"],
  expected: string | undefined,
): Promise<Cached> {
  const binary = join(stage, fileName(program.name));
  await chmod(binary, 0o755);
  const answer = await askVersion(program, binary);
  if ("reason" in answer) throw new InstallFailure(`what was brought does not run: ${answer.reason}`);
  if (expected !== undefined && !sameVersion(answer.version, expected)) {
    throw new InstallFailure(`what was brought reports version ${answer.version} instead of ${expected}`);
  }
  const version = expected ?? answer.version;
  const sha256 = await sha256Of(binary);
  const marker: Marker = { program: program.name, version, source, size: statSync(binary).size, sha256 };
  await sync(binary);
  await writeSynced(join(stage, markerName), `${JSON.stringify(marker, null, 2)}\n`);
  await syncFolder(stage);

  const folder = join(binFolder(), `${program.name}-${version}`);
  await mkdir(dirname(folder), { recursive: true });
  const broken = join(tempFolder(program), `broken-${Date.now()}`);
  if (existsSync(folder)) {
    const other = await working(program, folder);
    if (other) return other;
    // Moved away first: deleting is many steps, and a run that is killed among them would leave half of it.
    await rename(folder, broken);
  }
  try {
    await rename(stage, folder);
  } catch (error) {
    // A run that overtook this one while it was frozen may have finished first.
    const other = await working(program, folder);
    if (other) return other;
    throw error;
  } finally {
    await rm(broken, { recursive: true, force: true, maxRetries: 3 }).catch(() => {});
  }
  await syncFolder(dirname(folder));
  const path = join(folder, fileName(program.name));
  await remember(path, answer.version);
  return { path, marker };
}

/** What another run put there, if it can be used: what is broken is replaced. */
async function working(program: Program, folder: string): Promise<Cached | undefined> {
  const other = readInstallation(program, folder);
  return other && "version" in (await probeCached(program, other)) ? other : undefined;
}

/**
 * Makes the cache's folders.
 * @throws EnvironmentTrouble when it cannot be written: then no rung that installs could serve
 */
export async function prepareCache(program: Program): Promise<void> {
  try {
    await mkdir(binFolder(), { recursive: true });
    await mkdir(tempFolder(program), { recursive: true });
    const trial = join(tempFolder(program), `.writable-${process.pid}`);
    await writeSynced(trial, "");
    await rm(trial, { force: true });
  } catch (error) {
    throw unwritable(error);
  }
}

function unwritable(cause: unknown): EnvironmentTrouble {
  const { code, message } = cause as NodeJS.ErrnoException;
  const why = code === "ENOSPC" ? "its disk is full" : (refusalOf(cacheFolder()) ?? message);
  return new EnvironmentTrouble(
    `The course's cache folder ${cacheFolder()} cannot be written: ${why}`,
    "Set LEARN_NATS_CACHE to a folder that you can write, on a disk with about 150 MB free.",
    { cause },
  );
}

/**
 * Why nothing can be written into a folder that may not be there yet; undefined when it can. Asked of the nearest
 * folder that exists, because Node's recursive mkdir reports a read-only disk as ENOENT.
 */
export function refusalOf(folder: string): string | undefined {
  let existing = folder;
  while (!existsSync(existing) && dirname(existing) !== existing) existing = dirname(existing);
  try {
    if (!statSync(existing).isDirectory()) return `${existing} is a file, not a folder`;
    accessSync(existing, constants.W_OK);
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EROFS") return `${existing} is on a disk that is mounted read-only`;
    return `${existing} may not be written by you (${code})`;
  }
}

/** Hexadecimal. */
export async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  const file = await open(path);
  await pipeline(file.createReadStream(), hash);
  return hash.digest("hex");
}

async function writeSynced(path: string, text: string): Promise<void> {
  const file = await open(path, "w");
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function sync(path: string): Promise<void> {
  const file = await open(path, "r+");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Windows cannot open a folder, and does not need it. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
