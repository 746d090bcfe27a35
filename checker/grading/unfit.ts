// Looks whether a file can be an exercise at all, before anything is done with it.
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { UsageError } from "../course/errors.ts";
import type { SyntaxTrouble } from "./compile.ts";

/** Nobody writes an exercise of this size; a file that large is something else by mistake. In bytes. */
const largest = 1_000_000;

/**
 * Looks whether the file can be an exercise at all.
 * @returns why it cannot, for a file that is there; undefined when it can
 * @throws UsageError when there is no such file, or it is a folder
 */
export function unfit(file: string): SyntaxTrouble | undefined {
  let size: number;
  try {
    const stats = statSync(file);
    if (stats.isDirectory()) {
      throw new UsageError(
        `${file} is a folder, not a file.`,
        "Give the path of the TypeScript file itself.",
      );
    }
    if (!stats.isFile())
      throw new UsageError(`${file} is not a regular file.`, "Give the path of a TypeScript file.");
    size = stats.size;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw new UsageError(
      code === "ENOENT" ? `There is no file ${file}.` : `${file} cannot be read (${code}).`,
      code === "ENOENT"
        ? "Check the path. `npm run reset LESSON` makes a fresh exercise.ts for a lesson."
        : "Make it readable, then run the command again.",
    );
  }
  if (size > largest)
    return {
      id: "file-too-large",
      message: `The file is ${(size / 1_000_000).toFixed(1)} MB. An exercise is a few kB; this is something else.`,
    };
  const bytes = Buffer.alloc(size);
  let descriptor: number;
  try {
    descriptor = openSync(file, "r");
  } catch (error) {
    throw new UsageError(
      `${file} cannot be read (${(error as NodeJS.ErrnoException).code}).`,
      "Make it readable, then run the command again.",
    );
  }
  try {
    readSync(descriptor, bytes, 0, size, 0);
  } finally {
    closeSync(descriptor);
  }
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    if (text.trim() === "")
      return {
        id: "empty-file",
        message:
          "The file is empty. `npm run reset LESSON` brings the starter back; a backup of your file is kept.",
      };
  } catch {
    return {
      id: "not-utf-8",
      message: "The file is not UTF-8 text. Save it with the encoding UTF-8 in your editor.",
    };
  }
  return undefined;
}
