// What the cache holds: one folder a program and version, complete or not there at all.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "../../course/places.ts";
import type { Source } from "./events.ts";
import { type Probe, probe } from "./probe.ts";
import { fileName, isAtLeast, type Program, parseVersion } from "./programs.ts";

/** Written last into an installation's folder; a folder without it was never finished. */
export const markerName = "installed.json";

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

/** The installation in this folder, if it was finished and has not changed since. */
export function readInstallation(program: Program, folder: string): Cached | undefined {
  const path = join(folder, fileName(program.name));
  try {
    const marker = JSON.parse(readFileSync(join(folder, markerName), "utf8")) as Marker;
    return statSync(path).size === marker.size ? { path, marker } : undefined;
  } catch {
    return undefined;
  }
}

/** 2.9 and 2.9.0 are one version; what is not numbers must be equal as text. */
export function sameVersion(a: string, b: string): boolean {
  return a === b || (String(parseVersion(a)) === String(parseVersion(b)) && parseVersion(a) !== undefined);
}
