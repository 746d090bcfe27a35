// What is costly to make and depends on its source alone: kept by a hash of the source, in one file, between builds.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import writeFileAtomic from "write-file-atomic";

export class Cache {
  private readonly file: string;
  private readonly known: Record<string, unknown>;
  private readonly used: Record<string, unknown> = {};
  private saved: string;

  constructor(file: string) {
    this.file = file;
    this.known = read(file);
    this.saved = keysOf(this.known);
  }

  /** What `make` gives for this source, now or in an earlier build. `kind` changes when `make` does. */
  async of<T>(kind: string, source: string, make: () => T | Promise<T>): Promise<T> {
    const key = `${kind}-${createHash("sha256").update(source).digest("base64url").slice(0, 22)}`;
    if (!(key in this.used)) this.used[key] = this.known[key] ?? (await make());
    return this.used[key] as T;
  }

  /** Keeps what this process used, and forgets the rest. */
  save(): void {
    const keys = keysOf(this.used);
    if (keys === this.saved) return;
    mkdirSync(dirname(this.file), { recursive: true });
    writeFileAtomic.sync(this.file, JSON.stringify(this.used));
    this.saved = keys;
  }
}

function keysOf(entries: Record<string, unknown>): string {
  return Object.keys(entries).sort().join(" ");
}

function read(file: string): Record<string, unknown> {
  if (!existsSync(file)) return {};
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
  } catch {
    return {}; // A damaged cache costs time, nothing else.
  }
}
