// One protocol message of the NATS client protocol, as the reader hands it on.
// The operations are those of the client protocol page (https://docs.nats.io/reference/protocols/client) and, for
// headers, of ADR-4.

/** Which way bytes travel, seen from the program: to the server, or to the client. */
export type Direction = "toServer" | "toClient";

interface Placed {
  /** Offset of the frame's first byte in its direction's byte stream. */
  start: number;
  /** Offset just after the frame's last byte. */
  end: number;
}

/**
 * PUB, HPUB, MSG or HMSG: a message with a payload. The reader uses one such object again and again, because a busy
 * connection has hundreds of thousands a second: it is good only during the callback.
 */
export interface MessageFrame extends Placed {
  op: "PUB" | "HPUB" | "MSG" | "HMSG";
  subject: string;
  /** The subscription that the message is for; MSG and HMSG only. */
  sid: string | undefined;
  reply: string | undefined;
  /** Bytes of the payload, without the header block. */
  size: number;
  /** Bytes of the header block; 0 for PUB and MSG. */
  headerSize: number;
  /** Where the beginnings of header block and payload lie. */
  bytes: Buffer;
  headerAt: number;
  /** How much of the header block is there. */
  headerLength: number;
  payloadAt: number;
  /** How much of the payload is there. */
  payloadLength: number;
}

/** INFO or CONNECT, with the JSON text that follows the operation. */
export interface JsonFrame extends Placed {
  op: "INFO" | "CONNECT";
  json: string;
}

export interface SubFrame extends Placed {
  op: "SUB";
  subject: string;
  queue: string | undefined;
  sid: string;
}

export interface UnsubFrame extends Placed {
  op: "UNSUB";
  sid: string;
  /** Unsubscribe by itself after so many messages. */
  max: number | undefined;
}

/** PING, PONG or +OK; and -ERR with its text. */
export interface PlainFrame extends Placed {
  op: "PING" | "PONG" | "+OK" | "-ERR";
  /** The text of an -ERR, without quotes; otherwise empty. */
  text: string;
}

export type Frame = MessageFrame | JsonFrame | SubFrame | UnsubFrame | PlainFrame;

/** Why the rest of a byte stream is passed on without being read. */
export interface Unreadable {
  /** `tls`: the connection is encrypted from here on. `malformed`: not the NATS protocol. */
  reason: "tls" | "malformed";
  /** What was wrong, as a sentence part: `the line "FOO"`. */
  detail: string;
  /** Offset in the byte stream where reading stopped. */
  at: number;
}
