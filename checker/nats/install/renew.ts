// Makes the lock file anew from the releases' own lists of checksums. Needs the internet, or a mirror.
import { EnvironmentTrouble } from "../../course/errors.ts";
import { downloadText } from "./download.ts";
import { InstallFailure } from "./failure.ts";
import { fetchFrom } from "./http.ts";
import { type Lock, type LockedProgram, readLock } from "./lock.ts";
import { latestRelease, readChecksums, releaseFolder } from "./mirror.ts";
import { platforms } from "./platform.ts";
import { type Program, type ProgramName, programs } from "./programs.ts";
import { defaultLimits } from "./rungs/rung.ts";

export interface Renewal {
  readonly lock: Lock;
  /** What changed, a line each, for a person to read before it is committed. */
  readonly changes: readonly string[];
}

/**
 * The lock with every checksum that the releases publish.
 * @param latest true to move to the newest releases; otherwise the versions stay
 * @throws EnvironmentTrouble when a release cannot be read, or contradicts a checksum that is already pinned
 */
export async function renewLock(latest: boolean): Promise<Renewal> {
  const before = readLock();
  const renewed: [ProgramName, LockedProgram][] = [];
  const changes: string[] = [];
  for (const program of Object.values(programs)) {
    const old = before[program.name];
    const version = latest ? await newest(program) : old.version;
    const now: LockedProgram = { version, archives: await archives(program, version) };
    if (version !== old.version) changes.push(`${program.name}: ${old.version} becomes ${version}`);
    else refuseContradiction(program, old, now);
    changes.push(...differences(program, old, now));
    renewed.push([program.name, now]);
  }
  return { lock: Object.fromEntries(renewed) as Lock, changes };
}

async function archives(program: Program, version: string): Promise<LockedProgram["archives"]> {
  const listed = await fromNetwork(async () => {
    const list = await downloadText(`${releaseFolder(program, version)}/SHA256SUMS`, defaultLimits);
    return readChecksums(list);
  });
  const found = platforms.flatMap((platform) => {
    const file = program.archiveFile(version, platform);
    const sha256 = listed.get(file);
    return sha256 ? [[platform, { file, sha256 }] as const] : [];
  });
  if (found.length === 0) {
    throw new EnvironmentTrouble(
      `The SHA256SUMS of ${program.name} ${version} lists no archive by the names that are known here.`,
      "The project may have renamed its archives: compare its release page with checker/nats/install/programs.ts.",
    );
  }
  return Object.fromEntries(found);
}

/** GitHub redirects `releases/latest` to the newest release that is no pre-release; its address ends in the tag. */
async function newest(program: Program): Promise<string> {
  return fromNetwork(async () => {
    const address = await fetchFrom(
      latestRelease(program),
      defaultLimits,
      async (answer) => answer.address,
      "HEAD",
    );
    const version = /\/v(\d+\.\d+\.\d+)$/.exec(address)?.[1];
    if (!version) throw new InstallFailure(`${address} does not end in a version`);
    return version;
  });
}

async function fromNetwork<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof InstallFailure)) throw error;
    throw new EnvironmentTrouble(
      `The lock cannot be renewed: ${error.message}.`,
      `Renewing needs the internet. ${error.mend ?? "Try again later"}.`,
      { cause: error },
    );
  }
}

/** A published archive never changes. One that does was replaced, by whomever. */
function refuseContradiction(program: Program, old: LockedProgram, now: LockedProgram): void {
  for (const [platform, { file, sha256 }] of Object.entries(old.archives)) {
    const published = now.archives[platform]?.sha256;
    if (!sha256 || !published || sha256 === published) continue;
    throw new EnvironmentTrouble(
      `${file} of ${program.name} ${old.version} was pinned with sha256 ${sha256}, and is now published with ${published}.`,
      "A published release does not change. Find out why before you trust it; nothing was written.",
    );
  }
}

function differences(program: Program, old: LockedProgram, now: LockedProgram): string[] {
  return platforms.flatMap((platform) => {
    const before = old.archives[platform]?.sha256;
    const after = now.archives[platform]?.sha256;
    if (old.archives[platform] && !after) return [`${program.name} ${platform}: not published`];
    return after && before !== after ? [`${program.name} ${platform}: pinned ${after}`] : [];
  });
}
