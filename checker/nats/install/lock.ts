// The lock file: the version that the course is made for, and each platform's release archive with its checksum.
import { readFileSync } from "node:fs";
import { EnvironmentTrouble } from "../../course/errors.ts";
import bundled from "../lock.json" with { type: "json" };
import type { ProgramName } from "./programs.ts";

export interface LockedArchive {
  /** The file's name among the release's assets. */
  readonly file: string;
  /** Hexadecimal; null where none was pinned, so that the release's own SHA256SUMS file is asked. */
  readonly sha256: string | null;
}

export interface LockedProgram {
  readonly version: string;
  /** By platform, such as `linux-amd64`. */
  readonly archives: Readonly<Record<string, LockedArchive>>;
}

export type Lock = Readonly<Record<ProgramName, LockedProgram>>;

/**
 * The course's lock, or the file that `LEARN_NATS_LOCK` names: a mirror that carries builds of its own has other
 * checksums, and whoever sets the variable vouches for them.
 * @throws EnvironmentTrouble when that file cannot be read
 */
export function readLock(): Lock {
  const file = process.env.LEARN_NATS_LOCK;
  if (!file) return bundled;
  try {
    const lock = JSON.parse(readFileSync(file, "utf8")) as Lock;
    for (const name of Object.keys(bundled) as ProgramName[]) {
      if (typeof lock[name]?.version !== "string") throw new Error(`it has no version for ${name}`);
    }
    return lock;
  } catch (error) {
    throw new EnvironmentTrouble(
      `LEARN_NATS_LOCK=${file} cannot be used as a lock file: ${(error as Error).message}`,
      "Unset LEARN_NATS_LOCK to use the course's own lock, or name a file written by `npm run lock`.",
    );
  }
}
