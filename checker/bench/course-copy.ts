// A course of its own in a temporary folder, as a fresh clone after `npm ci`: for what grades, resets and remembers.
import { copyFileSync, cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../course/places.ts";

export function courseCopy(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "learn-nats-course-"));
  for (const folder of ["checker", "lessons", "solutions", "site"])
    cpSync(join(root, folder), join(path, folder), {
      recursive: true,
      filter: (source) => !source.startsWith(join(root, "site", "dist")),
    });
  for (const file of ["package.json", "package-lock.json", "tsconfig.json", "README.md"])
    copyFileSync(join(root, file), join(path, file));
  symlinkSync(join(root, "node_modules"), join(path, "node_modules"), "junction");
  return {
    path,
    remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }),
  };
}
