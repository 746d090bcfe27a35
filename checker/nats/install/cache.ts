// The course's own installations: one folder a program and version, complete or not there at all.
import { createHash } from "node:crypto";
import { accessSync, constants, existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { chmod, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { EnvironmentTrouble } from "../../course/errors.ts";
import { cacheFolder } from "../../course/places.ts";
import type { Source } from "./events.ts";
import { askVersion, type Probe, probe, remember } from "./probe.ts";
import { fileName, isAtLeast, type Program, parseVersion } from "./programs.ts";

/** Written last into an installation's folder; a folder without it was never finished. */
const markerName = "installed.json";

export interface Marker {
  readonly program: string;
  readonly version: string;
  /** The rung that brought it, or the bundle that it was copied from. */
  readonly source: Source | "bundle";
  /** Bytes of the binary. A file of another size was changed since. */
  readonly size: number;
  /** Hexadecimal, of the binary. */
  readonly sha256: string;
}

export interface Cached {
  readonly path: string;
  readonly marker: Marker;
}

/** Where installations are; each is a folder `<name>-<version>`. */
export function binFolder(): string {
  return join(cacheFolder(), "bin");
}

/** Where an installation is prepared. On the cache's own disk, so that a rename finishes it. */
export function tempFolder(program: Program): string {
  return join(cacheFolder(), "tmp", program.name);
}

/** The complete installation of exactly this version, if there is one. Does not start it. */
export function cachedVersion(program: Program, version: string): Cached | undefined {
  return readInstallation(program, join(binFolder(), `${program.name}-${version}`));
}

/** Every complete installation that is new enough, newest first. */
export function cachedVersions(program: Program): Cached[] {
  let folders: string[];
  try {
    folders = readdirSync(binFolder());
  } catch {
    return [];
  }
  return folders
    .filter(
      (folder) => /^\d/.test(folder.slice(program.name.length + 1)) && folder.startsWith(`${program.name}-`),
    )
    .map((folder) => readInstallation(program, join(binFolder(), folder)))
    .filter((cached) => cached !== undefined && isAtLeast(cached.marker.version, program.minimum))
    .map((cached) => cached as Cached)
    .sort((a, b) => (isAtLeast(a.marker.version, b.marker.version) ? -1 : 1));
}

/** Complete, unchanged since, and answering to its version. */
export async function probeCached(program: Program, cached: Cached): Promise<Probe> {
  const answer = await probe(program, cached.path);
  if ("reason" in answer || sameVersion(answer.version, cached.marker.version)) return answer;
  return { reason: `${cached.path} was installed as ${cached.marker.version} but reports ${answer.version}` };
}

function readInstallation(program: Program, folder: string): Cached | undefined {
  const path = join(folder, fileName(program.name));
  try {
    const marker = JSON.parse(readFileSync(join(folder, markerName), "utf8")) as Marker;
    return statSync(path).size === marker.size ? { path, marker } : undefined;
  } catch {
    return undefined;
  }
}

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
  if (existsSync(folder)) {
    const other = readInstallation(program, folder);
    if (other) return other;
    // Moved away first: deleting is many steps, and a run that is killed among them would leave half of it.
    await rename(folder, join(tempFolder(program), `broken-${Date.now()}`));
  }
  try {
    await rename(stage, folder);
  } catch (error) {
    // A run that overtook this one while it was frozen may have finished first.
    const other = readInstallation(program, folder);
    if (other) return other;
    throw error;
  }
  await syncFolder(dirname(folder));
  const path = join(folder, fileName(program.name));
  await remember(path, answer.version);
  return { path, marker };
}

/** A rung that was tried and did not serve. The message is one line, and says why. */
export class InstallFailure extends Error {
  override readonly name = "InstallFailure";
  /** @param mend what a person could do to make this rung serve */
  constructor(
    message: string,
    readonly mend?: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
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

/** 2.9 and 2.9.0 are one version; what is not numbers must be equal as text. */
function sameVersion(a: string, b: string): boolean {
  return a === b || (String(parseVersion(a)) === String(parseVersion(b)) && parseVersion(a) !== undefined);
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
