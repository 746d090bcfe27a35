// Takes the one binary out of a release archive. An archive with an entry that would land elsewhere is refused whole.
import { createReadStream, createWriteStream } from "node:fs";
import { open } from "node:fs/promises";
import { basename } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { InstallFailure, isOfTheSystem } from "./failure.ts";

interface Entry {
  readonly path: string;
  readonly kind: "file" | "folder" | "other";
}

/**
 * Writes the file called `wanted`, in whichever folder of the archive it lies, to `target`. Nothing else is written,
 * so that no entry can land anywhere; a bad one still condemns the archive, since no release has any.
 * @param file a `.tar.gz` or a `.zip`, by its content
 * @throws InstallFailure when it is no archive, is damaged, holds a bad entry or lacks the file
 */
export async function takeFrom(file: string, wanted: string, target: string): Promise<void> {
  const kind = await kindOf(file);
  if (kind === "page" || kind === "other")
    throw new InstallFailure("what came is neither a tar.gz nor a zip archive");
  let taken = 0;
  const take = async (entry: Entry, content: () => Promise<Readable> | Readable) => {
    refuseBad(entry);
    if (entry.kind !== "file" || basename(entry.path) !== wanted) return false;
    if (++taken > 1) throw new InstallFailure(`the archive holds ${wanted} twice`);
    await pipeline(await content(), createWriteStream(target, { flags: "wx", mode: 0o755 }));
    return true;
  };
  try {
    await (kind === "zip" ? eachInZip(file, take) : eachInTar(file, take));
  } catch (error) {
    if (error instanceof InstallFailure || isOfTheSystem(error)) throw error;
    throw new InstallFailure(`the archive is damaged: ${(error as Error).message}`, undefined, {
      cause: error,
    });
  }
  if (taken === 0) throw new InstallFailure(`the archive holds no ${wanted}`);
}

/** @throws InstallFailure when the file is a web page, as a login page or a proxy sends it in place of anything */
export async function refuseWebPage(file: string): Promise<void> {
  if ((await kindOf(file)) !== "page") return;
  throw new InstallFailure(
    "a web page came instead of an archive: a login page or a proxy stands in between",
    "Open the address in a browser to see what it asks, or set NATS_DOWNLOAD_MIRROR to a mirror you reach",
  );
}

type Take = (entry: Entry, content: () => Promise<Readable> | Readable) => Promise<boolean>;

async function eachInTar(file: string, take: Take): Promise<void> {
  const { Parser } = await import("tar");
  const { Readable } = await import("node:stream");
  const kinds: Record<string, Entry["kind"]> = { File: "file", OldFile: "file", Directory: "folder" };
  // An entry has been read before its file is written: the end waits for each of them, not for the last alone.
  const handled: Promise<unknown>[] = [];
  let failure: unknown;
  const parser = new Parser({
    strict: true,
    onReadEntry(entry) {
      // tar waits with the next entry until this one has been read to its end.
      const about: Entry = { path: entry.path, kind: kinds[entry.type] ?? "other" };
      handled.push(
        take(about, () => Readable.from(entry as AsyncIterable<Buffer>)).then(
          (read) => read || entry.resume(),
          (error) => {
            failure ??= error;
            entry.resume();
          },
        ),
      );
    },
  });
  await new Promise<void>((resolve, reject) => {
    parser.on("end", resolve);
    parser.on("error", reject);
    const source = createReadStream(file);
    source.on("error", reject);
    source.pipe(parser as unknown as NodeJS.WritableStream);
  });
  await Promise.all(handled);
  if (failure) throw failure;
}

async function eachInZip(file: string, take: Take): Promise<void> {
  const { openPromise } = await import("yauzl");
  const zip = await openPromise(file, { strictFileNames: true });
  try {
    for await (const entry of zip.eachEntry()) {
      await take({ path: entry.fileName, kind: kindInZip(entry) }, () => zip.openReadStreamPromise(entry));
    }
  } finally {
    zip.close();
  }
}

/** Unix kinds are in the upper half of the attributes; 0 where the archive was made without. */
function kindInZip(entry: { fileName: string; externalFileAttributes: number }): Entry["kind"] {
  const format = (entry.externalFileAttributes >>> 16) & 0o170000;
  if (format !== 0 && format !== 0o100000 && format !== 0o040000) return "other";
  return entry.fileName.endsWith("/") ? "folder" : "file";
}

function refuseBad({ path, kind }: Entry): void {
  const leaves = /^[/\\]|^[a-z]:|\0/i.test(path) || path.split(/[/\\]/).includes("..");
  if (leaves) throw new InstallFailure(`the archive is refused: its entry ${path} would leave the folder`);
  if (kind === "other")
    throw new InstallFailure(`the archive is refused: its entry ${path} is a link or a device`);
}

async function kindOf(file: string): Promise<"tar.gz" | "zip" | "page" | "other"> {
  const handle = await open(file);
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(512), 0, 512, 0);
    const start = buffer.subarray(0, bytesRead);
    if (start[0] === 0x1f && start[1] === 0x8b) return "tar.gz";
    if (start.subarray(0, 4).equals(Buffer.from("PK\x03\x04"))) return "zip";
    return /^\s*(<!doctype|<html|<\?xml|<head|<body)/i.test(start.toString("utf8")) ? "page" : "other";
  } finally {
    await handle.close();
  }
}
