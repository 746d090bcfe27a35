// Brings exactly the pinned version into the cache, whatever else this machine has: for a bundle, which is to hold what
// the course was made for.
import { EnvironmentTrouble } from "../../course/errors.ts";
import { type Cached, cachedVersion, probeCached } from "./cache.ts";
import type { OnProgress } from "./events.ts";
import { install } from "./install.ts";
import { readLock } from "./lock.ts";
import { type ProgramName, programs } from "./programs.ts";
import { goRung } from "./rungs/go.ts";
import { releaseRung } from "./rungs/release.ts";
import type { FoundProgram, Limits, Refusal } from "./rungs/rung.ts";

export interface BringOptions {
  readonly onProgress?: OnProgress;
  readonly limits?: Partial<Limits>;
}

/**
 * The cache's installation of the pinned version, brought by a release or by Go if need be.
 * @throws EnvironmentTrouble when neither serves
 */
export async function bringPinned(name: ProgramName, options: BringOptions = {}): Promise<Cached> {
  const program = programs[name];
  const { version } = readLock()[name];
  const inCache = async (): Promise<FoundProgram | Refusal> => {
    const cached = cachedVersion(program, version);
    const answer = cached ? await probeCached(program, cached) : { reason: "not installed" };
    return cached && "version" in answer
      ? { path: cached.path, version, source: "cache" }
      : { source: "cache", reason: "reason" in answer ? answer.reason : "not installed" };
  };
  const first = await inCache();
  if ("reason" in first) {
    const rungs = [releaseRung, goRung];
    const answer = await install(program, { ...options, rungs, lookAgain: inCache });
    if (Array.isArray(answer)) {
      const lines = answer.map(({ source, reason }) => `  ${`${source}:`.padEnd(13)}${reason}`);
      throw new EnvironmentTrouble(
        `${program.title} ${version} cannot be brought:\n${lines.join("\n")}`,
        "Connect to the internet, or set NATS_DOWNLOAD_MIRROR to a mirror you reach. `npm run doctor` says more.",
      );
    }
  }
  const cached = cachedVersion(program, version);
  if (!cached) throw new Error(`${name} ${version} was installed and is not there`);
  return cached;
}
