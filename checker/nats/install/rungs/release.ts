// Fourth rung: the release archive of the pinned version, for this platform, checked against its sha256.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { refuseWebPage, takeFrom } from "../archive.ts";
import { download } from "../download.ts";
import { InstallFailure } from "../failure.ts";
import { reach, withoutPassword } from "../http.ts";
import { type LockedArchive, readLock } from "../lock.ts";
import { checksumFor, describeChecksum, mirror, mirrorTitle, releaseFolder } from "../mirror.ts";
import { finish } from "../place.ts";
import { platformName } from "../platform.ts";
import { fileName, type Program } from "../programs.ts";
import type { InstallingRung } from "./rung.ts";

const mendChecksum =
  "Do not use that file. Try again; if it stays so, tell whoever runs the mirror or the network between";

export const releaseRung: InstallingRung = {
  source: "release",
  version: pinned,

  async install({ program, newStage, report, limits }) {
    const version = pinned(program);
    const archive = requireArchive(program);
    const folder = releaseFolder(program, version);
    report({ kind: "started", expect: `about ${program.roughMegabytes.download} MB, once` });
    const sha256 = await checksumFor(archive, folder, limits);
    const place = await newStage();
    const file = join(place, archive.file);
    const address = `${folder}/${archive.file}`;
    const got = await download(address, file, limits, (bytes, totalBytes) =>
      report({ kind: "bytes", bytes, ...(totalBytes === undefined ? {} : { totalBytes }) }),
    );
    // The commonest cause of a wrong checksum by far, and better said as what it is.
    await refuseWebPage(file);
    if (got.sha256 !== sha256) {
      throw new InstallFailure(
        `${withoutPassword(address)} has the sha256 ${got.sha256} instead of ${sha256}`,
        mendChecksum,
      );
    }
    const stage = await newStage();
    await takeFrom(file, fileName(program.name), join(stage, fileName(program.name)));
    await rm(place, { recursive: true });
    const { path } = await finish(program, stage, "release", version);
    return { path, version, source: "release" };
  },

  async foresee(program, limits) {
    try {
      const archive = requireArchive(program);
      const folder = releaseFolder(program, pinned(program));
      await reach(`${folder}/${archive.file}`, limits, new URL(folder).host);
      const from = mirror() ? `the mirror ${mirrorTitle()}` : "GitHub";
      return { detail: `${archive.file} would come from ${from}; ${describeChecksum(archive)}` };
    } catch (error) {
      if (!(error instanceof InstallFailure)) throw error;
      return { source: "release", reason: error.message, ...(error.mend ? { mend: error.mend } : {}) };
    }
  },
};

function pinned(program: Program): string {
  return readLock()[program.name].version;
}

function requireArchive(program: Program): LockedArchive {
  const archive = readLock()[program.name].archives[platformName()];
  if (archive) return archive;
  throw new InstallFailure(`no release of ${program.title} is made for ${platformName()}`);
}
