// Where things are: the course's own tree, what it writes there, and the cache that all clones of one person share.
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import envPaths from "env-paths";

/** The root of the course: the nearest folder above this file that holds `lessons` and `checker`. */
export const root = findRoot();

/** Everything that the checker writes inside the course. Ignored by git, and safe to delete, but for `progress` and `backups`. */
export const workFolder = join(root, ".learn-nats");

/** Servers and tools that were installed for the course; `LEARN_NATS_CACHE` moves it. */
export function cacheFolder(): string {
  const chosen = process.env.LEARN_NATS_CACHE;
  return chosen ? resolve(chosen) : envPaths("learn-nats", { suffix: "" }).cache;
}

function findRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!(existsSync(join(folder, "lessons")) && existsSync(join(folder, "checker", "main.mjs")))) {
    const above = dirname(folder);
    if (above === folder) throw new Error("This is not inside a learn-nats checkout.");
    folder = above;
  }
  return folder;
}
