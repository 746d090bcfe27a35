// Reads both directions of one connection into the journal.
import type { Fresh, WireEvent } from "./events.ts";
import type { Direction, Frame, Unreadable } from "./frames.ts";
import type { Journal } from "./journal.ts";
import { Meaning } from "./meaning.ts";
import { WireReader } from "./parser.ts";

/** Decides, for a frame that was read and not passed on yet, whether to keep it back. */
export type Decide = (event: WireEvent | undefined, frame: Frame) => WireEvent["kept"];

export class Recorder {
  /** The connection's number in the journal. */
  readonly id: number;
  /** From CONNECT; undefined until it came, and when the client gave none. */
  name: string | undefined;
  user: string | undefined;
  /** The client library, like `nats.js`. */
  lang: string | undefined;
  /** Whether CONNECT was read: from then on `name` is what it stays. */
  introduced = false;
  /** False when a direction is encrypted, or not the NATS protocol. */
  readable = true;
  readonly #journal: Journal;
  readonly #meaning: Meaning;
  readonly #readers: Record<Direction, WireReader>;
  #dial: WireEvent | undefined;
  #at = 0;
  #kept: WireEvent["kept"];
  #decide: Decide | undefined;

  constructor(
    journal: Journal,
    readonly onIntroduced: () => void = () => {},
  ) {
    this.#journal = journal;
    this.id = journal.nextConnection();
    this.#meaning = new Meaning(journal.deliveriesByAckSubject, journal.streaming);
    const reader = (direction: Direction) =>
      new WireReader(direction, {
        frame: (frame) => this.#frame(frame, direction),
        unreadable: (why) => this.#unreadable(why, direction),
      });
    this.#readers = { toServer: reader("toServer"), toClient: reader("toClient") };
  }

  /**
   * Reads bytes that go one way, at once.
   * @param kept what a stall does with all of these bytes
   * @param decide asked for each frame that ends in them
   */
  feed(direction: Direction, chunk: Buffer, kept?: WireEvent["kept"], decide?: Decide): void {
    this.#journal.catchUp();
    this.#kept = kept;
    this.#decide = decide;
    this.read(direction, chunk, this.#journal.now());
    this.#kept = undefined;
    this.#decide = undefined;
  }

  /** Reads bytes that were passed on, when there is time; until the client has said who it is, at once. */
  feedLater(direction: Direction, chunk: Buffer): void {
    if (this.introduced) this.#journal.readLater(this, direction, chunk);
    else this.feed(direction, chunk);
  }

  /** For the journal: reads bytes that came at a time. */
  read(direction: Direction, chunk: Buffer, at: number): void {
    this.#at = at;
    this.#readers[direction].feed(chunk);
  }

  /** Bytes read so far in a direction, and whether they are still read. */
  reader(direction: Direction): Pick<WireReader, "position" | "readable"> {
    this.#journal.catchUp();
    return this.#readers[direction];
  }

  dialled(accepted: boolean): void {
    this.#journal.catchUp();
    this.#dial = this.#record({ kind: "dial", accepted });
  }

  disconnected(by: "client" | "server" | "fault", how: "end" | "reset"): void {
    this.#journal.catchUp();
    const killed = by === "client" && this.#journal.killedSince(this.#dial?.index ?? 0, this.name);
    this.#record({ kind: "disconnect", by: killed ? "kill" : by, how });
  }

  #record(fresh: Fresh): WireEvent {
    const event = this.#number(fresh, this.#journal.now());
    this.#journal.add(event);
    return event;
  }

  #number(fresh: Fresh, at: number): WireEvent {
    const event = this.#journal.number(fresh, at);
    event.connection = this.id;
    if (this.name !== undefined) event.client = this.name;
    return event;
  }

  #frame(frame: Frame, direction: Direction): void {
    const fresh = this.#meaning.read(frame, direction);
    if (fresh?.kind === "connect") this.#introduce(fresh);
    const event = fresh && this.#number(fresh, this.#at);
    const kept = this.#decide?.(event, frame) ?? this.#kept;
    if (!event) return;
    if (kept) event.kept = kept;
    this.#meaning.remember(event, frame);
    this.#journal.add(event);
  }

  #introduce(connect: Extract<Fresh, { kind: "connect" }>): void {
    this.name = connect.name;
    this.user = connect.user;
    this.lang = connect.lang;
    this.introduced = true;
    // The attempt to connect came before the name; who asks for the attempts of a client means this one too.
    if (this.#dial && connect.name !== undefined) this.#dial.client = connect.name;
    this.onIntroduced();
  }

  #unreadable(why: Unreadable, direction: Direction): void {
    // Both directions turn to TLS at once; that is one piece of news.
    const known = why.reason === "tls" && !this.readable;
    this.readable = false;
    if (!known) this.#record({ kind: "unreadable", direction, reason: why.reason, detail: why.detail });
  }
}
