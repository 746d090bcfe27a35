// Brings one file over the network: counted, hashed, and given up when it stalls.
import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { InstallFailure } from "./failure.ts";
import { fetchFrom, inWords, withoutPassword } from "./http.ts";
import type { Limits } from "./rungs/rung.ts";

/** A transfer that moves less than this in `stallMs` has stalled, even if a byte comes now and then. */
const leastBytes = 16 * 1024;

/** No archive that the course brings is a tenth of this; what sends more is not the release. */
const mostBytes = 300 * 1024 * 1024;

export interface Downloaded {
  /** Hexadecimal. */
  readonly sha256: string;
  readonly bytes: number;
}

/**
 * @param onBytes called as bytes arrive; the total is undefined when the sender does not say
 * @throws InstallFailure when it does not arrive whole
 */
export async function download(
  address: string,
  file: string,
  limits: Limits,
  onBytes: (bytes: number, totalBytes: number | undefined) => void,
): Promise<Downloaded> {
  const title = withoutPassword(address);
  return fetchFrom(address, limits, async ({ body, headers }) => {
    const totalBytes = Number(headers["content-length"]) || undefined;
    const hash = createHash("sha256");
    let bytes = 0;
    let countedBefore = 0;
    let stalled = false;
    const watch = setInterval(() => {
      if (bytes - countedBefore < leastBytes) {
        stalled = true;
        body.destroy(new Error("stalled"));
      }
      countedBefore = bytes;
    }, limits.stallMs);
    try {
      await pipeline(
        body,
        async function* count(chunks: AsyncIterable<Buffer>) {
          for await (const chunk of chunks) {
            bytes += chunk.length;
            if (bytes > mostBytes) throw new InstallFailure(`${title} sends more than ${mostBytes} bytes`);
            hash.update(chunk);
            onBytes(bytes, totalBytes);
            yield chunk;
          }
        },
        createWriteStream(file),
      );
    } catch (error) {
      if (error instanceof InstallFailure || (error as NodeJS.ErrnoException).syscall === "write")
        throw error;
      const arrived = `${bytes}${totalBytes ? ` of ${totalBytes}` : ""} bytes`;
      const why = stalled ? `stalled for ${limits.stallMs / 1000} s` : inWords(error);
      throw new InstallFailure(`${title} ${why} after ${arrived}`, undefined, { cause: error });
    } finally {
      clearInterval(watch);
    }
    if (totalBytes !== undefined && bytes !== totalBytes) {
      throw new InstallFailure(`${title} sent ${bytes} of ${totalBytes} bytes`);
    }
    return { sha256: hash.digest("hex"), bytes };
  });
}

/** A small text file. @throws InstallFailure when it does not arrive, or is not small */
export async function downloadText(address: string, limits: Limits): Promise<string> {
  const title = withoutPassword(address);
  return fetchFrom(address, limits, async ({ body }) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const timer = setTimeout(() => body.destroy(new Error("stalled")), limits.stallMs);
    try {
      for await (const chunk of body as AsyncIterable<Buffer>) {
        bytes += chunk.length;
        if (bytes > 1024 * 1024)
          throw new InstallFailure(`${title} is larger than a list of checksums can be`);
        chunks.push(chunk);
      }
    } catch (error) {
      if (error instanceof InstallFailure) throw error;
      throw new InstallFailure(`${title} ${inWords(error)}`, undefined, { cause: error });
    } finally {
      clearTimeout(timer);
    }
    return Buffer.concat(chunks).toString("utf8");
  });
}
