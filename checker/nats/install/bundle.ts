// All programs in one archive, for a memory stick: written on a machine with a network, installed on those without.
import { constants, existsSync, statSync } from "node:fs";
import { copyFile, readFile, rename, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { EnvironmentTrouble, UsageError } from "../../course/errors.ts";
import { removeAtEnd, removeFolder, temporaryFolder } from "../reaper.ts";
import { takeFrom } from "./archive.ts";
import { type BringOptions, bringPinned } from "./bring.ts";
import { type Cached, cachedVersion, probeCached } from "./cache.ts";
import { exclusively } from "./exclusive.ts";
import { InstallFailure, isOfTheSystem } from "./failure.ts";
import { finish, prepareCache, sha256Of } from "./place.ts";
import { platformName } from "./platform.ts";
import { fileName, isAtLeast, type ProgramName, programs } from "./programs.ts";
import { typedPath } from "./typed-path.ts";

const manifestName = "manifest.json";

/** What a bundle says of itself. */
export interface Manifest {
  readonly format: 1;
  /** As in the lock file; a bundle serves no other. */
  readonly platform: string;
  readonly programs: readonly {
    readonly name: ProgramName;
    readonly version: string;
    /** The name in the bundle. */
    readonly file: string;
    /** Hexadecimal. Proves that the copy is whole; the person who hands out the bundle vouches for the rest. */
    readonly sha256: string;
  }[];
}

/**
 * Brings the pinned programs and writes them to `target` as a tar.gz.
 * @throws UsageError when the target exists already, or its folder does not
 * @throws EnvironmentTrouble when a program cannot be brought, or the file not be written
 */
export async function writeBundle(target: string, options: BringOptions = {}): Promise<{ bytes: number }> {
  const file = typedPath(target);
  if (existsSync(file)) {
    throw new UsageError(`${file} exists already.`, "Name a new file, or remove that one first.");
  }
  if (!existsSync(dirname(file))) {
    throw new UsageError(`There is no folder ${dirname(file)}.`, "Name a file in a folder that exists.");
  }
  const brought: [ProgramName, Cached][] = [];
  for (const name of Object.keys(programs) as ProgramName[])
    brought.push([name, await bringPinned(name, options)]);

  const { create } = await import("tar");
  const stage = temporaryFolder("bundle");
  const unfinished = `${file}.${process.pid}.part`;
  removeAtEnd(unfinished);
  try {
    const manifest: Manifest = {
      format: 1,
      platform: platformName(),
      programs: brought.map(([name, { marker }]) => ({
        name,
        version: marker.version,
        file: fileName(name),
        sha256: marker.sha256,
      })),
    };
    await writeFile(join(stage, manifestName), `${JSON.stringify(manifest, null, 2)}\n`);
    for (const [name, { path }] of brought)
      await copyFile(path, join(stage, fileName(name)), constants.COPYFILE_FICLONE);
    const names = [manifestName, ...manifest.programs.map((program) => program.file)];
    // The slowest level saves 2 MB of 45, and takes three times as long.
    await create({ gzip: { level: 4 }, cwd: stage, file: unfinished, portable: true }, names);
    await rename(unfinished, file);
    return { bytes: (await stat(file)).size };
  } catch (error) {
    throw new EnvironmentTrouble(
      `The bundle ${file} could not be written: ${(error as Error).message}`,
      "About 40 MB are needed there. Free some, or name a file on another disk.",
      { cause: error },
    );
  } finally {
    removeFolder(unfinished);
    removeFolder(stage);
  }
}

export interface Unpacked {
  readonly name: ProgramName;
  readonly version: string;
  /** False when this version was here already. */
  readonly isNew: boolean;
}

/**
 * Installs from a bundle into the cache, checking each binary's checksum and that it runs.
 * @throws UsageError when there is no such file, or it was made for another platform
 * @throws EnvironmentTrouble when it is damaged, or no bundle, or the cache cannot be written
 */
export async function installBundle(source: string): Promise<Unpacked[]> {
  const file = typedPath(source);
  if (!existsSync(file) || !statSync(file).isFile()) {
    throw new UsageError(
      `There is no file ${file}.`,
      "`npm run setup -- --bundle FILE` writes one on another machine.",
    );
  }
  const stage = temporaryFolder("bundle");
  try {
    const manifest = await readManifest(file, stage);
    if (manifest.platform !== platformName()) {
      throw new UsageError(
        `${file} was made for ${manifest.platform}, and this machine is ${platformName()}.`,
        "Make a bundle on a machine of the same kind with `npm run setup -- --bundle FILE`.",
      );
    }
    const unpacked: Unpacked[] = [];
    for (const entry of manifest.programs) unpacked.push(await installEntry(file, entry));
    return unpacked;
  } catch (error) {
    const isDisk = isOfTheSystem(error);
    if (!isDisk && !(error instanceof InstallFailure)) throw error;
    throw new EnvironmentTrouble(
      `${file} cannot be installed from: ${error.message}.`,
      isDisk
        ? "About 90 MB are needed in the temporary folder and in the course's cache: see that they are writable and the disks are not full."
        : "Copy the bundle again, or make a new one with `npm run setup -- --bundle FILE`.",
      { cause: error },
    );
  } finally {
    removeFolder(stage);
  }
}

async function installEntry(file: string, entry: Manifest["programs"][number]): Promise<Unpacked> {
  const { name, version } = entry;
  const program = programs[name];
  if (!isAtLeast(version, program.minimum)) {
    throw new InstallFailure(
      `its ${name} is version ${version}, and the course needs ${program.minimum} or newer`,
    );
  }
  await prepareCache(program);
  return exclusively(
    program,
    async (newStage) => {
      const here = cachedVersion(program, version);
      if (here && "version" in (await probeCached(program, here))) return { name, version, isNew: false };
      const stage = await newStage();
      const binary = join(stage, fileName(name));
      await takeFrom(file, entry.file, binary);
      const sha256 = await sha256Of(binary);
      if (sha256 !== entry.sha256) {
        throw new InstallFailure(`its ${name} has the sha256 ${sha256} instead of ${entry.sha256}`);
      }
      await finish(program, stage, "bundle", version);
      return { name, version, isNew: true };
    },
    () => {},
  );
}

async function readManifest(file: string, stage: string): Promise<Manifest> {
  const target = join(stage, manifestName);
  await takeFrom(file, manifestName, target);
  let manifest: Manifest;
  try {
    manifest = JSON.parse(await readFile(target, "utf8")) as Manifest;
  } catch (error) {
    throw new InstallFailure(`its ${manifestName} is not JSON`, undefined, { cause: error });
  }
  const known =
    manifest.format === 1 &&
    Array.isArray(manifest.programs) &&
    // The version becomes a folder's name.
    manifest.programs.every(({ name, version }) => name in programs && /^\d[\w.+-]*$/.test(version));
  if (!known) throw new InstallFailure("it is no bundle of this course, or one of a newer course");
  return manifest;
}
