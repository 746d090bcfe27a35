// Third rung: what an earlier run installed.
import { binFolder, cachedVersion, cachedVersions, probeCached } from "../cache.ts";
import { readLock } from "../lock.ts";
import type { LookingRung } from "./rung.ts";

export const cacheRung: LookingRung = {
  source: "cache",
  async look(program) {
    const pinned = readLock()[program.name].version;
    const first = cachedVersion(program, pinned);
    let reason = `nothing is installed in ${binFolder()} yet`;
    // An installation of another version was all that could be had, or was pinned before: better than none.
    for (const cached of first ? [first] : cachedVersions(program)) {
      const answer = await probeCached(program, cached);
      if ("version" in answer) return { path: cached.path, version: answer.version, source: "cache" };
      reason = answer.reason;
    }
    return { source: "cache", reason, mend: "npm run setup" };
  },
};
