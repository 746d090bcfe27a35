// Brings servers of other versions, for tests that grade with them. They have a cache of their own, so that no lesson takes one of them.
import { mkdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { cacheFolder } from "../../checker/course/places.ts";
import { bringPinned } from "../../checker/nats/install/bring.ts";
import { cachedVersion } from "../../checker/nats/install/cache.ts";
import { install } from "../../checker/nats/install/install.ts";
import { readLock } from "../../checker/nats/install/lock.ts";
import { platformName } from "../../checker/nats/install/platform.ts";
import { askVersion } from "../../checker/nats/install/probe.ts";
import { programs } from "../../checker/nats/install/programs.ts";
import { packageRung } from "../../checker/nats/install/rungs/package.ts";
import type { FoundProgram } from "../../checker/nats/install/rungs/rung.ts";

const program = programs["nats-server"];

/** Where binaries of any versions may stand, as in PATH: for a machine without a network. */
const variable = "LEARN_NATS_TEST_SERVERS";

/**
 * The nats-server of exactly this version: one that the environment names, else from the tests' cache, else the distribution's package,
 * the release or `go install`.
 * @returns it, or why it cannot be had
 */
export async function serverOf(version: string): Promise<FoundProgram | { reason: string }> {
  for (const path of (process.env[variable] ?? "").split(delimiter).filter(Boolean)) {
    const answer = await askVersion(program, path);
    if ("version" in answer && answer.version === version) return { path, version, source: "environment" };
  }
  const { LEARN_NATS_CACHE: cache, LEARN_NATS_LOCK: lock } = process.env;
  try {
    process.env.LEARN_NATS_CACHE = join(cacheFolder(), "test-servers");
    process.env.LEARN_NATS_LOCK = lockFor(version);
    if (version === program.minimum && !cachedVersion(program, version)) await bringPackage();
    return { path: (await bringPinned("nats-server")).path, version, source: "cache" };
  } catch (error) {
    return { reason: `${(error as Error).message}\nOr name one in ${variable}.` };
  } finally {
    restore("LEARN_NATS_CACHE", cache);
    restore("LEARN_NATS_LOCK", lock);
  }
}

/** The oldest version is that of a distribution. If this machine's has another one, the package stays unused in the cache. */
async function bringPackage(): Promise<void> {
  const lookAgain = async () => ({ source: "package", reason: "not installed" }) as const;
  await install(program, { rungs: [packageRung], lookAgain });
}

/** A lock file that pins this version. Its checksums are those that the release publishes itself. */
function lockFor(version: string): string {
  const file = program.archiveFile(version, platformName());
  const pinned = { version, archives: { [platformName()]: { file, sha256: null } } };
  const folder = cacheFolder();
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `lock-${version}.json`);
  writeFileSync(path, JSON.stringify({ ...readLock(), "nats-server": pinned }));
  return path;
}

function restore(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name];
  else process.env[name] = value;
}
