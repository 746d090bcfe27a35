// Where releases lie: GitHub, or the mirror that NATS_DOWNLOAD_MIRROR names.

import { downloadText } from "./download.ts";
import { InstallFailure } from "./failure.ts";
import { BadStatus, withoutPassword } from "./http.ts";
import type { LockedArchive } from "./lock.ts";
import type { Program } from "./programs.ts";
import type { Limits } from "./rungs/rung.ts";

const github = "https://github.com/nats-io";

/** The mirror's address, or undefined for GitHub. */
export function mirror(): string | undefined {
  return process.env.NATS_DOWNLOAD_MIRROR || undefined;
}

/**
 * The folder that holds a release's files. A mirror has GitHub's layout below it:
 * `<mirror>/nats-server/releases/download/v2.14.5/`.
 * @throws InstallFailure when the mirror is no http or https address
 */
export function releaseFolder(program: Program, version: string): string {
  return `${releases(program)}/download/v${version}`;
}

/** The address that leads to the newest release, as on GitHub. @throws InstallFailure as {@link releaseFolder} */
export function latestRelease(program: Program): string {
  return `${releases(program)}/latest`;
}

function releases(program: Program): string {
  const base = mirror() ?? github;
  if (!/^https?:$/.test(protocolOf(base))) {
    throw new InstallFailure(
      `NATS_DOWNLOAD_MIRROR=${withoutPassword(base)} is not an http or https address`,
      "Set NATS_DOWNLOAD_MIRROR to an address such as http://192.168.1.10:8080, or unset it",
    );
  }
  return `${base.replace(/\/+$/, "")}/${program.repository.split("/")[1]}/releases`;
}

/** As {@link mirror}, without a password: for people to read. */
export function mirrorTitle(): string {
  return withoutPassword(mirror() ?? github);
}

function protocolOf(address: string): string {
  try {
    return new URL(address).protocol;
  } catch {
    return "";
  }
}

/**
 * The checksum that an archive must have: pinned in the lock file, or else listed in the release's SHA256SUMS.
 *
 * From GitHub that list comes over TLS. From a mirror it proves that the archive arrived as the mirror holds it, and
 * not where the mirror had it from: whoever sets NATS_DOWNLOAD_MIRROR vouches for the mirror. A pin is never overruled.
 * @throws InstallFailure when there is none
 */
export async function checksumFor(archive: LockedArchive, folder: string, limits: Limits): Promise<string> {
  if (archive.sha256) return archive.sha256;
  const address = `${folder}/SHA256SUMS`;
  let list: string;
  try {
    list = await downloadText(address, limits);
  } catch (error) {
    if (!(error instanceof BadStatus)) throw error;
    throw new InstallFailure(`no checksum is pinned for ${archive.file}, and ${error.message}`);
  }
  const listed = readChecksums(list).get(archive.file);
  if (!listed)
    throw new InstallFailure(
      `no checksum is pinned for ${archive.file}, and ${withoutPassword(address)} does not list it`,
    );
  return listed;
}

/** Says where the checksum of an archive comes from, and what that proves. For `doctor`. */
export function describeChecksum(archive: LockedArchive): string {
  if (archive.sha256) return "checksum pinned in the lock file";
  const at = mirror();
  if (!at) return "no checksum pinned: the release's SHA256SUMS is used, over TLS";
  const how = protocolOf(at) === "https:" ? "over TLS" : "without TLS";
  return `no checksum pinned: the mirror's own SHA256SUMS is used, ${how}, so that the mirror must be trusted`;
}

/** The lines `<sha256>  <file>` that sha256sum writes. */
export function readChecksums(list: string): Map<string, string> {
  const lines = list.split("\n").map((line) => /^([0-9a-f]{64})\s+\*?(\S+)\s*$/i.exec(line));
  return new Map(lines.flatMap((match) => (match ? [[match[2] ?? "", (match[1] ?? "").toLowerCase()]] : [])));
}
