// Reads one direction of a NATS connection, whatever way its bytes are cut. It keeps only the beginning of a payload,
// copies nothing that lies whole in one chunk, and never throws: bytes that it cannot read make it stop reading.
import type { Direction, Frame, MessageFrame, Unreadable } from "./frames.ts";

/** How much of a payload a frame carries, in bytes. Enough for each PubAck, pull request and error reply. */
export const payloadPrefix = 1024;
/** How much of a header block a frame carries, in bytes. */
export const headerPrefix = 4096;

// The server takes control lines of 4 KB unless it is told otherwise (server/const.go MAX_CONTROL_LINE_SIZE); INFO with
// a cluster's addresses and CONNECT with a JWT may be longer.
const longestLine = 1024 * 1024;
/** The operations as nearly every client writes them; others are put in capitals first. */
const names: Record<string, string> = Object.assign(Object.create(null), {
  PUB: "PUB",
  HPUB: "HPUB",
  MSG: "MSG",
  HMSG: "HMSG",
});

const nothing = Buffer.alloc(0);
const LF = 10;
const CR = 13;
/** A TLS record of type handshake. No operation starts with it. */
const tlsHandshake = 0x16;

const toServerStarts = starts("CPHSUcphsu+-");
const toClientStarts = starts("IPMHipmh+-");

export interface WireReaderHandlers {
  /** Called for each frame in order. Views in it are good only during the call. */
  frame(frame: Frame): void;
  /** Called at most once; later bytes are only counted. */
  unreadable(why: Unreadable): void;
}

/** An incremental reader of the NATS client protocol, for one direction of one connection. */
export class WireReader {
  /** Bytes fed so far. */
  position = 0;
  /** False from the moment that something could not be read. */
  readable = true;
  /** The beginning of a control line whose end has not come yet. */
  #line: Buffer[] = [];
  #lineLength = 0;
  /** The message whose payload has not come whole yet, and how many bytes of it (with its CR LF) were seen. */
  #inMessage = false;
  #seen = 0;
  readonly #frame: MessageFrame = {
    op: "PUB",
    subject: "",
    sid: undefined,
    reply: undefined,
    size: 0,
    headerSize: 0,
    bytes: nothing,
    headerAt: 0,
    headerLength: 0,
    payloadAt: 0,
    payloadLength: 0,
    start: 0,
    end: 0,
  };
  /** Offset of the chunk being read. */
  #base = 0;
  readonly #starts: Uint8Array;
  readonly #toServer: boolean;

  constructor(
    direction: Direction,
    readonly handlers: WireReaderHandlers,
  ) {
    this.#toServer = direction === "toServer";
    this.#starts = this.#toServer ? toServerStarts : toClientStarts;
  }

  /** Reads the next bytes. The chunk must not change during the call; nothing of it is kept but short beginnings. */
  feed(chunk: Buffer): void {
    this.#base = this.position;
    this.position += chunk.length;
    let at = 0;
    while (this.readable && at < chunk.length) {
      at = this.#inMessage ? this.#continueMessage(chunk, at) : this.#readLine(chunk, at);
    }
  }

  #readLine(chunk: Buffer, from: number): number {
    const fresh = this.#lineLength === 0;
    if (fresh) {
      const first = chunk[from] as number;
      if (first === tlsHandshake) return this.#stop("tls", "a TLS handshake", from);
      if (this.#starts[first] === 0) return this.#stop("malformed", quoteBytes(chunk, from), from);
    }
    const lineEnd = chunk.indexOf(LF, from);
    if (lineEnd < 0) {
      this.#line.push(Buffer.from(chunk.subarray(from)));
      this.#lineLength += chunk.length - from;
      if (this.#lineLength > longestLine)
        return this.#stop("malformed", "a control line without an end", from);
      return chunk.length;
    }
    const start = this.#base + from - this.#lineLength;
    if (fresh) return this.#operation(decode(chunk, from, lineEnd), start, chunk, lineEnd + 1);
    const whole = Buffer.concat([...this.#line, chunk.subarray(from, lineEnd)]);
    this.#line = [];
    this.#lineLength = 0;
    return this.#operation(decode(whole, 0, whole.length), start, chunk, lineEnd + 1);
  }

  /** Reads one control line; a message's payload begins at `next`. */
  #operation(line: string, start: number, chunk: Buffer, next: number): number {
    const gap = firstGap(line);
    const name =
      gap <= 5
        ? (names[line.slice(0, gap)] ?? line.slice(0, gap).toUpperCase())
        : line.slice(0, gap).toUpperCase();
    const end = this.#base + next;
    switch (name) {
      case "PUB":
      case "HPUB":
        if (!this.#toServer) break;
        return this.#messageLine(name, gap, line, start, chunk, next);
      case "MSG":
      case "HMSG":
        if (this.#toServer) break;
        return this.#messageLine(name, gap, line, start, chunk, next);
      case "INFO":
      case "CONNECT":
        if ((name === "CONNECT") !== this.#toServer) break;
        this.handlers.frame({ op: name, json: line.slice(gap).trim(), start, end });
        return next;
      case "SUB": {
        const args = words(line, gap);
        if (args.length < 2 || args.length > 3) break;
        const [subject = "", queueOrSid = "", sid] = args;
        const queue = sid === undefined ? undefined : queueOrSid;
        this.handlers.frame({ op: "SUB", subject, queue, sid: sid ?? queueOrSid, start, end });
        return next;
      }
      case "UNSUB": {
        const [sid, max, more] = words(line, gap);
        if (sid === undefined || more !== undefined || (max !== undefined && readSize(max) < 0)) break;
        this.handlers.frame({
          op: "UNSUB",
          sid,
          max: max === undefined ? undefined : Number(max),
          start,
          end,
        });
        return next;
      }
      case "PING":
      case "PONG":
      case "+OK":
        this.handlers.frame({ op: name, text: "", start, end });
        return next;
      case "-ERR":
        this.handlers.frame({ op: name, text: line.slice(gap).trim().replace(/^'|'$/g, ""), start, end });
        return next;
    }
    return this.#stop("malformed", quoteText(line), start - this.#base);
  }

  #messageLine(
    op: MessageFrame["op"],
    gap: number,
    line: string,
    start: number,
    chunk: Buffer,
    next: number,
  ): number {
    const args = words(line, gap);
    const headed = op === "HPUB" || op === "HMSG";
    const count = args.length;
    // subject, [sid], [reply], [header size], size
    const least = 2 + (this.#toServer ? 0 : 1) + (headed ? 1 : 0);
    if (count < least || count > least + 1)
      return this.#stop("malformed", quoteText(line), start - this.#base);
    const whole = readSize(args[count - 1] as string);
    const headerSize = headed ? readSize(args[count - 2] as string) : 0;
    if (whole < 0 || headerSize < 0 || headerSize > whole) {
      return this.#stop("malformed", quoteText(line), start - this.#base);
    }
    const frame = this.#frame;
    frame.op = op;
    frame.subject = args[0] as string;
    frame.sid = this.#toServer ? undefined : args[1];
    frame.reply = count > least ? args[this.#toServer ? 1 : 2] : undefined;
    frame.size = whole - headerSize;
    frame.headerSize = headerSize;
    frame.headerLength = headerSize < headerPrefix ? headerSize : headerPrefix;
    frame.payloadLength = frame.size < payloadPrefix ? frame.size : payloadPrefix;
    frame.start = start;
    frame.end = this.#base + next + whole + 2;
    const after = next + whole + 2;
    if (after > chunk.length) {
      frame.bytes = Buffer.alloc(frame.headerLength + frame.payloadLength);
      frame.headerAt = 0;
      frame.payloadAt = frame.headerLength;
      this.#inMessage = true;
      this.#seen = 0;
      return next;
    }
    frame.bytes = chunk;
    frame.headerAt = next;
    frame.payloadAt = next + headerSize;
    if (chunk[after - 2] !== CR || chunk[after - 1] !== LF) return this.#badEnd(frame);
    this.handlers.frame(frame);
    frame.bytes = nothing;
    return after;
  }

  /** Takes what this chunk has of a message that began in an earlier one. */
  #continueMessage(chunk: Buffer, from: number): number {
    const frame = this.#frame;
    const { headerSize } = frame;
    const whole = headerSize + frame.size;
    const take = Math.min(chunk.length - from, whole + 2 - this.#seen);
    const seen = this.#seen;
    copyPart(chunk, from, take, seen, frame.bytes, 0, frame.headerLength);
    copyPart(chunk, from, take, seen - headerSize, frame.bytes, frame.payloadAt, frame.payloadLength);
    if (seen <= whole && whole < seen + take && chunk[from + whole - seen] !== CR) return this.#badEnd(frame);
    if (seen + take === whole + 2 && chunk[from + take - 1] !== LF) return this.#badEnd(frame);
    this.#seen += take;
    if (this.#seen === whole + 2) {
      this.#inMessage = false;
      this.handlers.frame(frame);
      frame.bytes = nothing;
    }
    return from + take;
  }

  #badEnd(frame: MessageFrame): number {
    const detail = `a payload of ${frame.op} ${frame.subject} that is not the size it said`;
    return this.#stop("malformed", detail, frame.end - 2 - this.#base);
  }

  #stop(reason: Unreadable["reason"], detail: string, at: number): number {
    this.readable = false;
    this.#line = [];
    this.#inMessage = false;
    this.handlers.unreadable({ reason, detail, at: this.#base + at });
    return Number.MAX_SAFE_INTEGER;
  }
}

/** A line's text without its CR. Latin-1 is faster to decode than UTF-8, and nearly every line is ASCII. */
function decode(bytes: Buffer, from: number, to: number): string {
  const end = to > from && bytes[to - 1] === CR ? to - 1 : to;
  const text = bytes.toString("latin1", from, end);
  return ascii(text) ? text : bytes.toString("utf8", from, end);
}

function ascii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) return false;
  return true;
}

/** Where the operation's name ends. */
function firstGap(line: string): number {
  for (let i = 0; i < line.length; i++) {
    const code = line.charCodeAt(i);
    if (code === 32 || code === 9) return i;
  }
  return line.length;
}

/** Arguments of a control line: separated by any run of spaces and tabs, as the server takes them. */
function words(line: string, from: number): string[] {
  const found: string[] = [];
  let start = -1;
  for (let i = from; i < line.length; i++) {
    const code = line.charCodeAt(i);
    if (code === 32 || code === 9) {
      if (start >= 0) found.push(line.slice(start, i));
      start = -1;
    } else if (start < 0) start = i;
  }
  if (start >= 0) found.push(line.slice(start));
  return found;
}

/** A size as the server reads it, of at most nine digits (server/util.go, parseSize); -1 when it is none. */
function readSize(text: string): number {
  if (text.length === 0 || text.length > 9) return -1;
  let size = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return -1;
    size = size * 10 + digit;
  }
  return size;
}

/** Copies what a chunk has of a part of the message. `seen` counts from the part's first byte, and may be negative. */
function copyPart(
  chunk: Buffer,
  from: number,
  take: number,
  seen: number,
  to: Buffer,
  at: number,
  length: number,
): void {
  const skip = seen < 0 ? -seen : 0;
  const offset = seen + skip;
  if (skip < take && offset < length)
    chunk.copy(to, at + offset, from + skip, from + Math.min(take, skip + length - offset));
}

function starts(letters: string): Uint8Array {
  const table = new Uint8Array(256);
  for (const letter of letters) table[letter.charCodeAt(0)] = 1;
  return table;
}

function quoteText(line: string): string {
  return `the line ${JSON.stringify(line.length > 60 ? `${line.slice(0, 60)}…` : line)}`;
}

function quoteBytes(chunk: Buffer, from: number): string {
  return `the bytes ${JSON.stringify(chunk.toString("latin1", from, Math.min(chunk.length, from + 24)))}`;
}
