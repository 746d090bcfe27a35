// What a learner has to tell the classroom, on disk until the classroom has confirmed it. One file a message; the name is its number, and
// a number is given once, even when two commands write at the same time.
import { randomUUID } from "node:crypto";
import { linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import writeFileAtomic from "write-file-atomic";
import type { Body } from "./messages.ts";

export interface Waiting {
  readonly n: number;
  /** Of the message, for the server: the same when it is sent again. Random, so that nobody can use it up first. */
  readonly id: string;
  /** When it was written, by this machine's clock. */
  readonly at: number;
  readonly body: Body;
}

export class Outbox {
  readonly #folder: string;

  /** @param home the learner's folder of this classroom */
  constructor(private readonly home: string) {
    this.#folder = join(home, "outbox");
  }

  get folder(): string {
    return this.#folder;
  }

  /** Writes a message down. @returns its number */
  put(body: Body): number {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    for (;;) {
      // In this order: what is confirmed is written down before its file goes, so that no number is given twice.
      const waiting = this.#numbers();
      const n = Math.max(0, ...waiting, this.confirmed()) + 1;
      const message: Waiting = { n, id: randomUUID(), at: Date.now(), body };
      const draft = join(this.#folder, `draft-${message.id}`);
      writeFileSync(draft, JSON.stringify(message), { mode: 0o600 });
      try {
        // Fails when another command has just taken the number; and the file is there whole, or not at all.
        linkSync(draft, this.#file(n));
        return n;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "EEXIST") continue;
        // A file system without links, as on a memory stick.
        writeFileSync(this.#file(n), JSON.stringify(message), { flag: "wx", mode: 0o600 });
        return n;
      } finally {
        rmSync(draft, { force: true });
      }
    }
  }

  /** What is not confirmed yet, in its order. */
  waiting(): Waiting[] {
    const confirmed = this.confirmed();
    return this.#numbers()
      .filter((n) => n > confirmed)
      .sort((a, b) => a - b)
      .flatMap((n) => {
        try {
          const message = JSON.parse(readFileSync(this.#file(n), "utf8")) as Waiting;
          return message.n === n ? [message] : [];
        } catch {
          return [];
        }
      });
  }

  /** Up to this number everything has arrived. */
  confirmed(): number {
    try {
      return (JSON.parse(readFileSync(join(this.home, "confirmed.json"), "utf8")) as { upTo: number }).upTo;
    } catch {
      return 0;
    }
  }

  confirm(upTo: number): void {
    if (upTo <= this.confirmed()) return;
    mkdirSync(this.home, { recursive: true, mode: 0o700 });
    writeFileAtomic.sync(join(this.home, "confirmed.json"), JSON.stringify({ upTo }), { mode: 0o600 });
    for (const n of this.#numbers()) if (n <= upTo) rmSync(this.#file(n), { force: true });
  }

  #numbers(): number[] {
    try {
      return readdirSync(this.#folder).flatMap((name) =>
        /^\d+\.json$/.test(name) ? [Number.parseInt(name, 10)] : [],
      );
    } catch {
      return [];
    }
  }

  #file(n: number): string {
    return join(this.#folder, `${String(n).padStart(6, "0")}.json`);
  }
}
