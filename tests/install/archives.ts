// Release archives as the real ones are laid out, made from the real binaries; and archives that no release would hold.
import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { type Zippable, zipSync } from "fflate";
import { Header } from "tar";
import writeFileAtomic from "write-file-atomic";
import { workFolder } from "../../checker/course/places.ts";
import type { ProgramName } from "../../checker/nats/install/find.ts";
import { readLock } from "../../checker/nats/install/lock.ts";
import { platformName } from "../../checker/nats/install/platform.ts";
import { fileName } from "../../checker/nats/install/programs.ts";
import { real } from "./scene.ts";

export interface Entry {
  readonly path: string;
  readonly content?: Buffer;
  /** Where a symbolic link points. */
  readonly link?: string;
}

/** What the lock file calls this platform's archive. */
export function archiveName(name: ProgramName): string {
  const archive = readLock()[name].archives[platformName()];
  if (!archive) throw new Error(`the lock file has no ${name} for ${platformName()}`);
  return archive.file;
}

/** The archive of a program. Made once from each build of it, and kept in the course's work folder. */
export async function realArchive(name: ProgramName): Promise<Buffer> {
  const { size, mtimeMs } = await stat(real[name]);
  const kept = join(workFolder, "tests", `${size}-${Math.floor(mtimeMs)}-${archiveName(name)}`);
  try {
    return await readFile(kept);
  } catch {
    const { mkdir } = await import("node:fs/promises");
    const archive = archiveOf(name, await readFile(real[name]));
    await mkdir(join(workFolder, "tests"), { recursive: true });
    await writeFileAtomic(kept, archive);
    return archive;
  }
}

/** An archive laid out as this program's release, with any content for its binary. */
export function archiveOf(name: ProgramName, binary: Buffer): Buffer {
  const file = archiveName(name);
  const folder = file.replace(/\.(tar\.gz|zip)$/, "");
  const readme: Entry = { path: `${folder}/README.md`, content: Buffer.from("# a release\n") };
  const entries = [readme, { path: `${folder}/${fileName(name)}`, content: binary }];
  return file.endsWith(".zip") ? zip(entries) : tarGz(entries);
}

export function tarGz(entries: readonly Entry[]): Buffer {
  const blocks = entries.flatMap(({ path, content = Buffer.alloc(0), link }) => {
    const header = new Header({
      path,
      mode: 0o755,
      size: content.length,
      type: link === undefined ? "File" : "SymbolicLink",
      ...(link === undefined ? {} : { linkpath: link }),
      mtime: new Date(0),
    });
    const block = Buffer.alloc(512);
    header.encode(block, 0);
    return [block, content, Buffer.alloc((512 - (content.length % 512)) % 512)];
  });
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]), { level: 1 });
}

export function zip(entries: readonly Entry[]): Buffer {
  const unix = 3;
  const files: Zippable = {};
  for (const { path, content = Buffer.alloc(0), link } of entries) {
    const attrs = ((link === undefined ? 0o100755 : 0o120777) << 16) >>> 0;
    files[path] = [link === undefined ? content : Buffer.from(link), { os: unix, attrs, level: 1 }];
  }
  return Buffer.from(zipSync(files));
}

export function sha256(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}
