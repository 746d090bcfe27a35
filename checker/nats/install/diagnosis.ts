// Everything that `doctor` finds out about this machine, as plain data.

import { existsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname } from "node:path";
import { cacheFolder } from "../../course/places.ts";
import { inspectRungs, type ProgramName, type RungReport } from "./find.ts";
import { readLock } from "./lock.ts";
import { refusalOf } from "./place.ts";
import { platformName } from "./platform.ts";
import { isAtLeast, programs } from "./programs.ts";

/** As package.json's `engines` says. */
const neededNode = "20.19.0";

/** What a first run may need, with room for Go to work. */
const enoughBytes = 150 * 1024 * 1024;

/** A folder that the course writes to. */
export interface Place {
  readonly path: string;
  /** Missing where the system does not say. */
  readonly freeBytes?: number;
  /** Why it cannot be used, in one line. */
  readonly trouble?: string;
}

export interface Findings {
  readonly version: 1;
  /** Whether lessons can be graded here: a server is found or can be installed, and there is a place to work in. */
  readonly ok: boolean;
  readonly node: { readonly version: string; readonly needed: string; readonly ok: boolean };
  /** As the lock file names it. */
  readonly platform: string;
  readonly cache: Place;
  readonly temp: Place;
  readonly programs: readonly {
    readonly name: ProgramName;
    /** The version that the course was made with. */
    readonly pinned: string;
    /** Whether a lesson that needs it can have it. */
    readonly ok: boolean;
    readonly rungs: readonly RungReport[];
  }[];
}

/** Asks the disk, the programs and the network; takes two seconds at most where there is none. Installs nothing. */
export async function findOut(): Promise<Findings> {
  const lock = readLock();
  const version = process.versions.node;
  const node = { version, needed: neededNode, ok: isAtLeast(version, neededNode) };
  const [cache, temp, ...found] = await Promise.all([
    inspectPlace(cacheFolder()),
    inspectPlace(tmpdir()),
    ...(Object.keys(programs) as ProgramName[]).map(async (name) => {
      const rungs = await inspectRungs(name);
      return { name, pinned: lock[name].version, ok: serves(name, rungs), rungs };
    }),
  ]);
  const server = found.find(({ name }) => name === "nats-server");
  const ok = node.ok && !temp.trouble && server?.ok === true;
  return { version: 1, ok, node, platform: platformName(), cache, temp, programs: found };
}

/** A variable that names a program in vain stands in the way of all else. */
function serves(name: ProgramName, rungs: readonly RungReport[]): boolean {
  if (process.env[programs[name].variable]) return rungs[0]?.state === "used";
  return rungs.some(({ state }) => state !== "unusable");
}

async function inspectPlace(path: string): Promise<Place> {
  const refusal = refusalOf(path);
  if (refusal) return { path, trouble: refusal };
  let existing = path;
  while (!existsSync(existing) && dirname(existing) !== existing) existing = dirname(existing);
  try {
    const { bavail, bsize } = await statfs(existing);
    const freeBytes = bavail * bsize;
    const full = freeBytes < enoughBytes;
    return {
      path,
      freeBytes,
      ...(full ? { trouble: `only ${Math.floor(freeBytes / 1024 ** 2)} MB are free` } : {}),
    };
  } catch {
    return { path };
  }
}
