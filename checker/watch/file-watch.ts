// Tells when a learner saves one file. The system's file events tell it at once; a slow look of our own at the file notices when they
// do not come (network disks, containers, too many watches), and then looks often instead.
import { readFileSync, statSync } from "node:fs";
import { basename, dirname } from "node:path";
import { type FSWatcher, watch } from "chokidar";

export interface FileWatchOptions {
  readonly onSave: () => void;
  /** Told once, when events are missed and the file is looked at instead. */
  readonly onPolling: (why: string) => void;
  /** Do not even try events. */
  readonly poll?: boolean;
}

/** How often the file is looked at, in milliseconds: beside events, and in place of them. */
const slowly = 1_000;
const often = 300;
/** An event that comes later than this after the change is of no use. */
const eventWithinMs = 1_000;
/** An editor may empty a file before it writes it; a file that stays empty is a save. */
const emptyForMs = 100;

export class FileWatch {
  #watcher: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;
  #emptyTimer: NodeJS.Timeout | undefined;
  #missedTimer: NodeJS.Timeout | undefined;
  #seen: string;
  #content: string | undefined;
  #lastEventAt = Number.NEGATIVE_INFINITY;
  #polling = false;
  #closed = false;

  constructor(
    readonly file: string,
    private readonly options: FileWatchOptions,
  ) {
    this.#seen = stateOf(file);
    this.#content = contentOf(file);
    if (options.poll) this.#lookOften();
    else this.#listen();
  }

  close(): void {
    this.#closed = true;
    for (const timer of [this.#timer, this.#emptyTimer, this.#missedTimer]) clearTimeout(timer);
    void this.#watcher?.close();
  }

  #listen(): void {
    const name = basename(this.file);
    // The folder, not the file: many editors write a new file and move it over the old one.
    this.#watcher = watch(dirname(this.file), { depth: 0, ignoreInitial: true });
    this.#watcher.on("all", (_, path) => {
      if (basename(path) !== name) return;
      this.#lastEventAt = performance.now();
      clearTimeout(this.#missedTimer);
      this.#missedTimer = undefined;
      this.#look();
    });
    this.#watcher.on("error", (error) => {
      const { code, message } = error as NodeJS.ErrnoException;
      const why = code === "ENOSPC" || code === "EMFILE" ? "the system has no file watch left" : message;
      this.#giveUpEvents(why);
    });
    this.#timer = setInterval(() => {
      // An event that belongs to the change we find may still be under way.
      if (this.#look() && performance.now() - this.#lastEventAt > eventWithinMs)
        this.#missedTimer ??= setTimeout(
          () => this.#giveUpEvents("the system did not tell of your save"),
          eventWithinMs,
        );
    }, slowly);
  }

  #giveUpEvents(why: string): void {
    if (this.#closed || this.#polling) return;
    void this.#watcher?.close();
    this.#watcher = undefined;
    this.#lookOften();
    this.options.onPolling(why);
  }

  #lookOften(): void {
    clearInterval(this.#timer);
    this.#polling = true;
    this.#timer = setInterval(() => this.#look(), often);
    this.#look();
  }

  /** @returns whether the file was changed since the last look */
  #look(): boolean {
    if (this.#closed) return false;
    const seen = stateOf(this.file);
    // Gone: an editor is about to put the new one there.
    if (seen === this.#seen || seen === "") return false;
    const content = contentOf(this.file);
    if (content === "" && this.#content !== "") {
      this.#emptyTimer ??= setTimeout(() => {
        this.#emptyTimer = undefined;
        if (contentOf(this.file) === "") this.#content = "";
        this.#look();
      }, emptyForMs);
      return false;
    }
    this.#seen = seen;
    this.#content = content;
    this.options.onSave();
    return true;
  }
}

function stateOf(file: string): string {
  try {
    const { mtimeMs, size, ino } = statSync(file);
    return `${mtimeMs} ${size} ${ino}`;
  } catch {
    return "";
  }
}

function contentOf(file: string): string | undefined {
  try {
    return readFileSync(file, "latin1");
  } catch {
    return undefined;
  }
}
