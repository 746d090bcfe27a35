// The journal of a run: what happened on the wire and around it, in order, with a way to wait for what is to come.
import { evidenceLine } from "./describe.ts";
import { type EventOf, type Fresh, type Kind, type Match, matches, type WireEvent } from "./events.ts";
import type { Direction } from "./frames.ts";
import { newDeliveries } from "./meaning.ts";
import { Streaming } from "./streaming.ts";

export interface JournalOptions {
  /** Events that are kept; of a longer run the first half of that, and the last. Default 20,000. */
  maxEvents?: number;
  /** Bytes of text that are kept, roughly; as above. Default 16 MB. */
  maxBytes?: number;
}

export interface UntilOptions {
  /** What is waited for, as it reads after "no": `ack of parcel p3`. */
  what: string;
  /** How long to wait, in milliseconds. */
  timeoutMs: number;
  /** Only events after this one count; or after this index. Default: every event of the journal. */
  after?: WireEvent | number;
}

/** An event that was waited for did not come. */
export class WireTimeout extends Error {
  override readonly name = "WireTimeout";
  constructor(
    readonly what: string,
    readonly timeoutMs: number,
    /** The last events before the wait ended. */
    readonly recent: WireEvent[],
  ) {
    super(
      [
        `No ${what} within ${timeoutMs} ms. The last on the wire:`,
        ...recent.map((event) => `  ${evidenceLine(event)}`),
      ]
        .join("\n")
        .replace(/ The last on the wire:$/, " Nothing was on the wire."),
    );
  }
}

/** Rejects what still waits when a journal is closed. */
export class JournalClosed extends Error {
  override readonly name = "JournalClosed";
}

/** A run as a document: what `save` gives and `Journal.load` takes. */
export interface SavedJournal {
  format: "learn-nats journal";
  version: 1;
  /** When the run started, ISO 8601. */
  startedAt: string;
  events: WireEvent[];
  /** Events that were left out because the run was too long, between the first half of `events` and the second. */
  leftOut: number;
  /** How many events of each kind there were, with those left out. */
  totals: Partial<Record<Kind, number>>;
}

/** Something that reads bytes into the journal, at once when it is told to. */
interface Reading {
  read(direction: Direction, chunk: Buffer, at: number): void;
}

interface Unread {
  by: Reading;
  direction: Direction;
  chunk: Buffer;
  at: number;
}

/** Bytes that may wait to be read. Beyond it they are read at once, which slows the senders down. */
const unreadLimit = 64 * 1024 * 1024;
/** How long nothing may come before what came is read. */
const quietMs = 2;

interface Waiter {
  predicate: (event: WireEvent) => boolean;
  after: number;
  settle(event: WireEvent | undefined, error?: Error): void;
}

/** All events of a run, of any number of relays. Times are milliseconds since it was made, from a monotonic clock. */
export class Journal {
  readonly startedAt: Date;
  readonly #zero = performance.now();
  readonly #options: Required<JournalOptions>;
  /** The beginning, kept for ever, and the end, which moves. */
  readonly #first: WireEvent[] = [];
  #firstFull = false;
  #firstBytes = 0;
  #last: WireEvent[] = [];
  /** Where `#last` begins: what lies before was left out, and is removed now and then. */
  #lastStart = 0;
  #lastBytes = 0;
  #next = 0;
  #leftOut = 0;
  readonly #totals: Partial<Record<Kind, number>> = {};
  readonly #waiters = new Set<Waiter>();
  #connections = 0;
  /** When the program of a client was killed, by the client's name. */
  readonly #killed = new Map<string, number>();
  #unread: Unread[] = [];
  #firstUnread = 0;
  #unreadBytes = 0;
  #busy = false;
  #quiet: NodeJS.Timeout | undefined;
  /** What acks are linked to. Used by the readers of connections. */
  readonly deliveriesByAckSubject = newDeliveries();
  /** What was said in the protocol of NATS Streaming; for the same readers. */
  readonly streaming = new Streaming();

  constructor(options: JournalOptions = {}, startedAt = new Date()) {
    this.#options = {
      maxEvents: options.maxEvents ?? 20_000,
      maxBytes: options.maxBytes ?? 16 * 1024 * 1024,
    };
    this.startedAt = startedAt;
  }

  /** Milliseconds since the journal's start. */
  now(): number {
    return performance.now() - this.#zero;
  }

  /**
   * Reads bytes that have been passed on already, once no more came for a moment, so that a burst of messages is not held up
   * by being recorded. At once when somebody waits for an event. Everything is read, in order, before the journal answers
   * any question.
   */
  readLater(by: Reading, direction: Direction, chunk: Buffer): void {
    this.#unread.push({ by, direction, chunk, at: this.now() });
    this.#unreadBytes += chunk.length;
    this.#busy = true;
    if (this.#waiters.size > 0 || this.#unreadBytes > unreadLimit) this.catchUp();
    else this.#quiet ??= setTimeout(() => this.#readIfQuiet(), quietMs);
  }

  #readIfQuiet(): void {
    this.#quiet = undefined;
    if (this.#unread.length === 0) return;
    if (this.#busy) {
      this.#busy = false;
      this.#quiet = setTimeout(() => this.#readIfQuiet(), quietMs);
      return;
    }
    // Chunk by chunk, with a look at the sockets in between.
    this.#readNext();
    setImmediate(() => {
      this.#quiet ??= setTimeout(() => this.#readIfQuiet(), quietMs);
      if (!this.#busy) {
        clearTimeout(this.#quiet);
        this.#readIfQuiet();
      }
    });
  }

  #readNext(): void {
    const next = this.#unread[this.#firstUnread++];
    if (this.#firstUnread >= this.#unread.length) {
      this.#unread = [];
      this.#firstUnread = 0;
    }
    if (!next) return;
    this.#unreadBytes -= next.chunk.length;
    next.by.read(next.direction, next.chunk, next.at);
  }

  /** Reads all that was put off. */
  catchUp(): void {
    while (this.#unread.length > 0) this.#readNext();
  }

  /** A number for a new connection. */
  nextConnection(): number {
    return ++this.#connections;
  }

  /** Writes down what happened around the wire: `note({ kind: "server", what: "killed" })`. */
  note<K extends "server" | "program" | "fault" | "note">(event: Fresh<EventOf<K>>): EventOf<K> {
    this.catchUp();
    const numbered = this.number(event, this.now()) as EventOf<K>;
    this.add(numbered);
    const { client, what } = numbered as EventOf<"program">;
    if (numbered.kind === "program" && what === "killed" && client !== undefined)
      this.#killed.set(client, numbered.index);
    return numbered;
  }

  /** Whether the program of this client was killed after an event of this number. */
  killedSince(index: number, client: string | undefined): boolean {
    return client !== undefined && (this.#killed.get(client) ?? -1) > index;
  }

  /** Gives an event its number and time. It must be added next. */
  number(event: Fresh, at: number): WireEvent {
    const numbered = event as WireEvent;
    numbered.index = this.#next++;
    numbered.at = at;
    return numbered;
  }

  /** Adds a numbered event and wakes who waits for it. */
  add(event: WireEvent): void {
    const { kind } = event;
    this.#totals[kind] = (this.#totals[kind] ?? 0) + 1;
    this.#keep(event);
    if (this.#waiters.size === 0) return;
    for (const waiter of this.#waiters) {
      if (event.index > waiter.after) this.#offer(waiter, event);
    }
  }

  #keep(event: WireEvent): void {
    const { maxEvents, maxBytes } = this.#options;
    const bytes = weight(event);
    if (!this.#firstFull) {
      this.#firstFull = this.#first.length >= maxEvents / 2 || this.#firstBytes + bytes > maxBytes / 2;
    }
    if (!this.#firstFull) {
      this.#first.push(event);
      this.#firstBytes += bytes;
      return;
    }
    this.#last.push(event);
    this.#lastBytes += bytes;
    while (this.#last.length - this.#lastStart > maxEvents / 2 || this.#lastBytes > maxBytes / 2) {
      const gone = this.#last[this.#lastStart];
      if (!gone) break;
      this.#lastStart++;
      this.#lastBytes -= weight(gone);
      this.#leftOut++;
    }
    // Removing one by one from the front of an array is slow; half of it at once is not.
    if (this.#lastStart > maxEvents / 2) {
      this.#last = this.#last.slice(this.#lastStart);
      this.#lastStart = 0;
    }
  }

  /** The events that were kept, in order. A new array at each call. */
  get events(): WireEvent[] {
    this.catchUp();
    return this.#first.concat(this.#lastStart === 0 ? this.#last : this.#last.slice(this.#lastStart));
  }

  /** How many events were left out because the run was too long. `totals` counts them too. */
  get leftOut(): number {
    this.catchUp();
    return this.#leftOut;
  }

  /** How many events of this kind there were, with those that were left out. */
  total(kind: Kind): number {
    this.catchUp();
    return this.#totals[kind] ?? 0;
  }

  /** The number of the last event, to be given as `after`: only what comes from now on. */
  mark(): number {
    this.catchUp();
    return this.#next - 1;
  }

  /**
   * The first event, past or to come, for which the predicate holds.
   * @throws {WireTimeout} after `timeoutMs`; {JournalClosed} when the journal is closed before; what the predicate throws
   */
  until<E extends WireEvent>(predicate: (event: WireEvent) => event is E, options: UntilOptions): Promise<E>;
  until(predicate: (event: WireEvent) => boolean, options: UntilOptions): Promise<WireEvent>;
  until(predicate: (event: WireEvent) => boolean, options: UntilOptions): Promise<WireEvent> {
    const { after = -1, timeoutMs, what } = options;
    const afterIndex = typeof after === "number" ? after : after.index;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => waiter.settle(undefined, new WireTimeout(what, timeoutMs, this.events.slice(-8))),
        timeoutMs,
      );
      const waiter: Waiter = {
        predicate,
        after: afterIndex,
        settle: (event, error) => {
          clearTimeout(timer);
          this.#waiters.delete(waiter);
          if (event) resolve(event);
          else reject(error);
        },
      };
      this.#waiters.add(waiter);
      for (const event of this.events) {
        if (event.index > afterIndex && this.#offer(waiter, event)) return;
      }
    });
  }

  #offer(waiter: Waiter, event: WireEvent): boolean {
    try {
      if (!waiter.predicate(event)) return false;
      waiter.settle(event);
    } catch (error) {
      // A mistake in a check must not break the relay that reports the event.
      waiter.settle(undefined, error as Error);
    }
    return true;
  }

  /** Ends every wait with `JournalClosed`. Events may still be added and asked for. */
  close(): void {
    this.catchUp();
    for (const waiter of [...this.#waiters]) {
      waiter.settle(undefined, new JournalClosed("The run ended while its journal was waited on."));
    }
  }

  /** The kept events of a kind, in order: `of("ack", { streamSeq: 3 })`. */
  of<K extends Kind>(kind: K, match?: Match<EventOf<K>>): EventOf<K>[] {
    return this.events.filter(
      (event): event is EventOf<K> => event.kind === kind && matches(event as EventOf<K>, match),
    );
  }

  /** What one client did and got, by kinds, in order: `by("van 1", "delivery", "ack")`. `program` and `fault` by the name in them. */
  by(who: string, ...kinds: Kind[]): WireEvent[] {
    return this.events.filter((event) => {
      if (!kinds.includes(event.kind)) return false;
      if (event.kind === "program") return event.name === who || event.client === who;
      if (event.kind === "fault") return event.who === who;
      return event.client === who;
    });
  }

  /** Acks alone; naks, terms and signs of progress have their own kinds. */
  acks(match?: Match<EventOf<"ack">>): EventOf<"ack">[] {
    return this.of("ack", match);
  }

  naks(match?: Match<EventOf<"nak">>): EventOf<"nak">[] {
    return this.of("nak", match);
  }

  terms(match?: Match<EventOf<"term">>): EventOf<"term">[] {
    return this.of("term", match);
  }

  inProgress(match?: Match<EventOf<"inProgress">>): EventOf<"inProgress">[] {
    return this.of("inProgress", match);
  }

  /** Messages from a stream; `{ deliveryCount: 1 }` for the first deliveries. */
  deliveries(match?: Match<EventOf<"delivery">>): EventOf<"delivery">[] {
    return this.of("delivery", match);
  }

  /** Deliveries after the first one of a message. */
  redeliveries(match?: Match<EventOf<"delivery">>): EventOf<"delivery">[] {
    return this.of("delivery", match).filter((event) => event.deliveryCount > 1);
  }

  /** Core NATS messages that came to subscriptions. */
  messages(match?: Match<EventOf<"message">>): EventOf<"message">[] {
    return this.of("message", match);
  }

  publishes(match?: Match<EventOf<"publish">>): EventOf<"publish">[] {
    return this.of("publish", match);
  }

  pubAcks(match?: Match<EventOf<"puback">>): EventOf<"puback">[] {
    return this.of("puback", match);
  }

  pulls(match?: Match<EventOf<"pull">>): EventOf<"pull">[] {
    return this.of("pull", match);
  }

  statuses(match?: Match<EventOf<"status">>): EventOf<"status">[] {
    return this.of("status", match);
  }

  /** Attempts to connect, with those that were refused. A refused one gave no name. */
  dials(match?: Match<EventOf<"dial">>): EventOf<"dial">[] {
    return this.of("dial", match);
  }

  /** The run as a document. Times are rounded to microseconds. */
  save(): SavedJournal {
    this.catchUp();
    return {
      format: "learn-nats journal",
      version: 1,
      startedAt: this.startedAt.toISOString(),
      events: this.events.map((event) => ({ ...event, at: Math.round(event.at * 1000) / 1000 })),
      leftOut: this.#leftOut,
      totals: { ...this.#totals },
    };
  }

  /**
   * A journal from its document, to be asked and drawn.
   * @throws {TypeError} when it is not a journal, or of a version that this course does not know
   */
  static load(document: unknown): Journal {
    const saved = document as Partial<SavedJournal> | null;
    if (saved?.format !== "learn-nats journal" || !Array.isArray(saved.events)) {
      throw new TypeError("This is not the journal of a run.");
    }
    if (saved.version !== 1) {
      throw new TypeError(`The journal has version ${saved.version}, and this course reads version 1.`);
    }
    const journal = new Journal(
      { maxEvents: Number.POSITIVE_INFINITY, maxBytes: Number.POSITIVE_INFINITY },
      new Date(saved.startedAt ?? 0),
    );
    journal.#first.push(...saved.events);
    journal.#next = (saved.events.at(-1)?.index ?? -1) + 1;
    journal.#connections = Math.max(0, ...saved.events.map((event) => event.connection ?? 0));
    journal.#leftOut = saved.leftOut ?? 0;
    Object.assign(journal.#totals, saved.totals);
    return journal;
  }
}

/** Roughly the bytes that an event holds in memory, beyond the same for all. */
function weight(event: WireEvent): number {
  let bytes = 200;
  if ("text" in event && event.text !== undefined) bytes += event.text.length;
  if ("headers" in event && event.headers)
    for (const key in event.headers) bytes += key.length + (event.headers[key]?.length ?? 0);
  return bytes;
}
