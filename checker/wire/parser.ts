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
// The server reads sizes of at most nine digits (server/util.go parseSize).
const size = /^\d{1,9}$/;

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
  #message: MessageFrame | undefined;
  #seen = 0;
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
      at = this.#message ? this.#continueMessage(chunk, at) : this.#readLine(chunk, at);
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
    let text: string;
    if (fresh) {
      text = decode(chunk, from, lineEnd);
    } else {
      const whole = Buffer.concat([...this.#line, chunk.subarray(from, lineEnd)]);
      text = decode(whole, 0, whole.length);
      this.#line = [];
      this.#lineLength = 0;
    }
    return this.#operation(text, start, chunk, lineEnd + 1);
  }

  /** Reads one control line; a message's payload begins at `next`. */
  #operation(line: string, start: number, chunk: Buffer, next: number): number {
    const gap = line.search(/[ \t]/);
    const name = (gap < 0 ? line : line.slice(0, gap)).toUpperCase();
    const rest = gap < 0 ? "" : line.slice(gap + 1);
    const end = this.#base + next;
    switch (name) {
      case "PUB":
      case "HPUB":
        if (!this.#toServer) break;
        return this.#messageLine(name, rest, line, start, chunk, next);
      case "MSG":
      case "HMSG":
        if (this.#toServer) break;
        return this.#messageLine(name, rest, line, start, chunk, next);
      case "INFO":
      case "CONNECT":
        if ((name === "CONNECT") !== this.#toServer) break;
        this.handlers.frame({ op: name, json: rest.trim(), start, end });
        return next;
      case "SUB": {
        const args = words(rest);
        if (args.length < 2 || args.length > 3) break;
        const [subject = "", queueOrSid = "", sid] = args;
        const queue = sid === undefined ? undefined : queueOrSid;
        this.handlers.frame({ op: "SUB", subject, queue, sid: sid ?? queueOrSid, start, end });
        return next;
      }
      case "UNSUB": {
        const [sid, max, more] = words(rest);
        if (sid === undefined || more !== undefined || (max !== undefined && !size.test(max))) break;
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
        this.handlers.frame({ op: name, text: rest.trim().replace(/^'|'$/g, ""), start, end });
        return next;
    }
    return this.#stop("malformed", quoteText(line), start - this.#base);
  }

  #messageLine(
    op: MessageFrame["op"],
    rest: string,
    line: string,
    start: number,
    chunk: Buffer,
    next: number,
  ): number {
    const args = words(rest);
    const headed = op === "HPUB" || op === "HMSG";
    // subject, [sid], [reply], [header size], size
    const least = 2 + (this.#toServer ? 0 : 1) + (headed ? 1 : 0);
    const total = args[args.length - 1];
    const headerText = headed ? args[args.length - 2] : "0";
    if (
      args.length < least ||
      args.length > least + 1 ||
      !size.test(total ?? "") ||
      !size.test(headerText ?? "")
    ) {
      return this.#stop("malformed", quoteText(line), start - this.#base);
    }
    const headerSize = Number(headerText);
    const whole = Number(total);
    if (headerSize > whole) return this.#stop("malformed", quoteText(line), start - this.#base);
    const frame: MessageFrame = {
      op,
      subject: args[0] as string,
      sid: this.#toServer ? undefined : args[1],
      reply: args.length > least ? args[this.#toServer ? 1 : 2] : undefined,
      size: whole - headerSize,
      headerSize,
      header: nothing,
      payload: nothing,
      start,
      end: this.#base + next + whole + 2,
    };
    const after = next + whole + 2;
    if (after > chunk.length) {
      frame.header = headerSize === 0 ? nothing : Buffer.alloc(Math.min(headerSize, headerPrefix));
      frame.payload = frame.size === 0 ? nothing : Buffer.alloc(Math.min(frame.size, payloadPrefix));
      this.#message = frame;
      this.#seen = 0;
      return next;
    }
    const body = next + headerSize;
    if (headed) frame.header = chunk.subarray(next, Math.min(body, next + headerPrefix));
    if (frame.size > 0)
      frame.payload = chunk.subarray(body, Math.min(body + frame.size, body + payloadPrefix));
    if (chunk[after - 2] !== CR || chunk[after - 1] !== LF) return this.#badEnd(frame);
    this.handlers.frame(frame);
    return after;
  }

  /** Takes what this chunk has of a message that began in an earlier one. */
  #continueMessage(chunk: Buffer, from: number): number {
    const frame = this.#message as MessageFrame;
    const { headerSize } = frame;
    const whole = headerSize + frame.size;
    const take = Math.min(chunk.length - from, whole + 2 - this.#seen);
    const seen = this.#seen;
    if (seen < frame.header.length) chunk.copy(frame.header, seen, from, from + take);
    const intoBody = seen - headerSize;
    if (intoBody < frame.payload.length) {
      const skip = Math.max(0, -intoBody);
      if (skip < take) chunk.copy(frame.payload, Math.max(0, intoBody), from + skip, from + take);
    }
    if (seen <= whole && whole < seen + take && chunk[from + whole - seen] !== CR) return this.#badEnd(frame);
    if (seen + take === whole + 2 && chunk[from + take - 1] !== LF) return this.#badEnd(frame);
    this.#seen += take;
    if (this.#seen === whole + 2) {
      this.#message = undefined;
      this.handlers.frame(frame);
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
    this.#message = undefined;
    this.handlers.unreadable({ reason, detail, at: this.#base + at });
    return Number.MAX_SAFE_INTEGER;
  }
}

const nothing = Buffer.alloc(0);

/** A line's text without its CR. Latin-1 is several times faster than UTF-8 here, and nearly every line is ASCII. */
function decode(bytes: Buffer, from: number, to: number): string {
  const end = to > from && bytes[to - 1] === CR ? to - 1 : to;
  const text = bytes.toString("latin1", from, end);
  return ascii(text) ? text : bytes.toString("utf8", from, end);
}

function ascii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) return false;
  return true;
}

/** Arguments of a control line: separated by any run of spaces and tabs, as the server takes them. */
function words(rest: string): string[] {
  const found: string[] = [];
  let start = -1;
  for (let i = 0; i <= rest.length; i++) {
    const code = i < rest.length ? rest.charCodeAt(i) : 32;
    if (code === 32 || code === 9) {
      if (start >= 0) found.push(rest.slice(start, i));
      start = -1;
    } else if (start < 0) start = i;
  }
  return found;
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
