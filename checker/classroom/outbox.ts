// What a learner has to tell the classroom, on disk until the classroom has confirmed it. One file a message; the name is its number, and
// a number is given once, even when two commands write at the same time.
import { randomUUID } from "node:crypto";
import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import writeFileAtomic from "write-file-atomic";
import type { Body } from "./messages.ts";

export interface Waiting {
  readonly n: number;
  /** Of the message, for the server: the same when it is sent again. Random, so that nobody can use it up first. */
  readonly id: string;
  /** When it was written, by this machine's clock. */
  readonly at: number;
  /** Null when it was lost on this machine's disk: its number must go all the same, or nothing after it would count. */
  readonly body: Body | null;
}

/** What is confirmed is kept this long: a host that loses its power may know less afterwards than it has confirmed. */
const keptMs = 10 * 60_000;
/** A file that cannot be read may just be being written, where the disk has no links. Not after this time. */
const writtenWithinMs = 30_000;

export class Outbox {
  readonly #folder: string;
  /** What is confirmed and still kept. */
  readonly #sent: string;

  /** @param home the learner's folder of this classroom */
  constructor(private readonly home: string) {
    this.#folder = join(home, "outbox");
    this.#sent = join(home, "sent");
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
      .flatMap((n) => this.#read(n) ?? []);
  }

  /** What was confirmed, after this number, in its order, and no more than so many; empty where it is not kept any more. */
  confirmedAfter(upTo: number, most: number): Waiting[] {
    const length = Math.min(most, Math.max(0, this.confirmed() - upTo));
    return Array.from({ length }, (_, i) => upTo + 1 + i).map(
      (n) => this.#read(n, this.#sent) ?? this.#read(n) ?? lost(n),
    );
  }

  /** Up to this number everything has arrived. */
  confirmed(): number {
    try {
      return (JSON.parse(readFileSync(join(this.home, "confirmed.json"), "utf8")) as { upTo: number }).upTo;
    } catch {
      return 0;
    }
  }

  /** @throws Error when it cannot be written down, as when the classroom was left meanwhile */
  confirm(upTo: number): void {
    if (upTo <= this.confirmed()) return;
    writeFileAtomic.sync(join(this.home, "confirmed.json"), JSON.stringify({ upTo }), { mode: 0o600 });
    mkdirSync(this.#sent, { recursive: true, mode: 0o700 });
    for (const n of numbersIn(this.#sent)) {
      const file = join(this.#sent, nameOf(n));
      if ((ageMs(file) ?? 0) > keptMs) rmSync(file, { force: true });
    }
    for (const n of this.#numbers()) if (n <= upTo) renameSync(this.#file(n), join(this.#sent, nameOf(n)));
  }

  #read(n: number, folder = this.#folder): Waiting | undefined {
    const file = join(folder, nameOf(n));
    try {
      const message = JSON.parse(readFileSync(file, "utf8")) as Waiting;
      if (message.n === n) return message;
    } catch {
      // Gone, not whole yet, or lost.
    }
    const age = ageMs(file);
    return age !== undefined && age > writtenWithinMs ? lost(n) : undefined;
  }

  #numbers(): number[] {
    return numbersIn(this.#folder);
  }

  #file(n: number): string {
    return join(this.#folder, nameOf(n));
  }
}

const nameOf = (n: number) => `${String(n).padStart(6, "0")}.json`;

function numbersIn(folder: string): number[] {
  try {
    return readdirSync(folder).flatMap((name) =>
      /^\d+\.json$/.test(name) ? [Number.parseInt(name, 10)] : [],
    );
  } catch {
    return [];
  }
}

/** Undefined when there is no such file. */
function ageMs(file: string): number | undefined {
  const found = statSync(file, { throwIfNoEntry: false });
  return found && Math.abs(Date.now() - found.mtimeMs);
}

const lost = (n: number): Waiting => ({ n, id: randomUUID(), at: Date.now(), body: null });
