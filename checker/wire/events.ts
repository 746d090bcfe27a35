// What the journal holds: one event for each thing that happened, by its meaning rather than by its bytes.
import type { Direction } from "./frames.ts";

/** What every event has. */
interface Common {
  /** Its number in the journal, from 0, in the order of happening. */
  index: number;
  /** Milliseconds since the journal's start, from a clock that never goes back. */
  at: number;
  /** The connection's number in the journal, from 1; undefined for what happened outside of any. */
  connection?: number;
  /** The client's name, as it gave it in CONNECT; undefined before, and for a client without a name. */
  client?: string;
  direction?: Direction;
  /** It is about a channel of NATS Streaming, which stands in the place of a stream; its subscription in that of a consumer. */
  of?: "channel";
  /** A fault kept it back when it was read: `held` (may come later) or `dropped` (never comes). */
  kept?: "held" | "dropped";
}

/** A client opened a TCP connection to the relay. Refused: the server was down, and it got a reset. */
export interface DialEvent extends Common {
  kind: "dial";
  accepted: boolean;
}

/** The server's INFO. A later one may announce lame duck mode. */
export interface InfoEvent extends Common {
  kind: "info";
  serverName: string;
  version: string;
  lameDuck: boolean;
}

/** The client's CONNECT. It is accepted when a PONG follows, refused when an error does. */
export interface ConnectEvent extends Common {
  kind: "connect";
  name: string | undefined;
  user: string | undefined;
  lang: string | undefined;
  version: string | undefined;
}

/** The first side to go ended the connection (`end`), or broke it off (`reset`). `kill`: it went with the client's program. */
export interface DisconnectEvent extends Common {
  kind: "disconnect";
  by: "client" | "server" | "fault" | "kill";
  how: "end" | "reset";
}

/** PING or PONG. `flush()` of a client is a PING that waits for its PONG. */
export interface PingEvent extends Common {
  kind: "ping" | "pong";
}

/** A message from the client to the server, other than acks, pull requests and API calls. */
export interface PublishEvent extends Common {
  kind: "publish";
  subject: string;
  reply: string | undefined;
  /** Payload bytes. */
  size: number;
  /** The beginning of the payload, if it is text. */
  text: string | undefined;
  /** The header `Nats-Msg-Id`, by which a stream recognises duplicates. */
  msgId: string | undefined;
  headers: Record<string, string> | undefined;
  /** Index of the message that this one answers. */
  answers: number | undefined;
}

export interface SubscribeEvent extends Common {
  kind: "subscribe";
  subject: string;
  queue: string | undefined;
  sid: string;
}

export interface UnsubscribeEvent extends Common {
  kind: "unsubscribe";
  subject: string | undefined;
  sid: string;
  /** Ends by itself after so many messages. */
  max: number | undefined;
}

/** The stream's answer to a publish: stored, or why not. */
export interface PubAckEvent extends Common {
  kind: "puback";
  ok: boolean;
  stream: string | undefined;
  seq: number | undefined;
  /** The stream had a message with this id, and stored nothing. */
  duplicate: boolean;
  /** Of the publish that it answers. */
  subject: string;
  msgId: string | undefined;
  text: string | undefined;
  /** Index of the publish. */
  publish: number;
  /** A JetStream error's number, like 10071. */
  errCode: number | undefined;
  error: string | undefined;
}

/** A stream's message comes to the client from a consumer, push or pull. */
export interface DeliveryEvent extends Common {
  kind: "delivery";
  stream: string;
  consumer: string;
  streamSeq: number;
  consumerSeq: number;
  /** 1 on the first delivery. */
  deliveryCount: number;
  pending: number;
  subject: string;
  sid: string;
  size: number;
  text: string | undefined;
  msgId: string | undefined;
  headers: Record<string, string> | undefined;
}

/** A core NATS message comes to a subscription. */
export interface MessageEvent extends Common {
  kind: "message";
  subject: string;
  sid: string;
  /** What the client had subscribed to, and in which queue group. */
  subscription: string | undefined;
  queue: string | undefined;
  reply: string | undefined;
  size: number;
  text: string | undefined;
  headers: Record<string, string> | undefined;
}

/** What a client says about a delivery, by publishing to its ack subject. `inProgress`: the work goes on. */
export interface AckEvent extends Common {
  kind: "ack" | "nak" | "term" | "inProgress";
  stream: string;
  consumer: string;
  streamSeq: number;
  consumerSeq: number;
  deliveryCount: number;
  /** Of a nak: deliver again after so many milliseconds; undefined: at once. */
  delayMs: number | undefined;
  /** Of a term. */
  reason: string | undefined;
  /** The client asked the server to confirm it. */
  awaited: boolean;
  /** Index of the delivery, if the journal saw it. */
  delivery: number | undefined;
  /** Of the delivered message. */
  subject: string | undefined;
  text: string | undefined;
}

/** A request for the next messages of a pull consumer (ADR-13). */
export interface PullEvent extends Common {
  kind: "pull";
  stream: string;
  consumer: string;
  batch: number;
  /** Undefined: it never expires. */
  expiresMs: number | undefined;
  noWait: boolean;
  maxBytes: number | undefined;
  heartbeatMs: number | undefined;
  group: string | undefined;
}

/** A message of the server without a payload, that is a status: 100, 404, 408, 409, 503. */
export interface StatusEvent extends Common {
  kind: "status";
  code: number;
  description: string;
  subject: string;
  /** Index of the request that it answers: a pull, a publish with a reply subject, an API call. */
  request: number | undefined;
  /** The subject that was asked and has no responders; of 503 only. */
  asked: string | undefined;
  stream: string | undefined;
  consumer: string | undefined;
}

/** A request to the JetStream API, by its name: `STREAM.CREATE`. */
export interface ApiEvent extends Common {
  kind: "api";
  call: string;
  /** What it is about: the stream, or the stream and the consumer. */
  about: string[];
  text: string | undefined;
}

export interface ApiReplyEvent extends Common {
  kind: "apiReply";
  call: string;
  about: string[];
  ok: boolean;
  errCode: number | undefined;
  error: string | undefined;
  /** Index of the API call. */
  request: number;
}

/** The answer to a request, that is neither a PubAck nor of the API. */
export interface ReplyEvent extends Common {
  kind: "reply";
  subject: string;
  size: number;
  text: string | undefined;
  headers: Record<string, string> | undefined;
  /** Index of the request: a publish, or the ack whose confirmation this is. */
  request: number;
  /** The subject that was asked. */
  asked: string;
}

/** The server's -ERR. */
export interface ErrorEvent extends Common {
  kind: "error";
  text: string;
  /** Of a permissions violation: what was denied. */
  denied: { operation: "publish" | "subscribe"; subject: string } | undefined;
}

/** From here on the connection is passed on without being read. */
export interface UnreadableEvent extends Common {
  kind: "unreadable";
  reason: "tls" | "malformed";
  detail: string;
}

/** A fault of the relay began or ended. */
export interface FaultEvent extends Common {
  kind: "fault";
  what: "cut" | "stall" | "slow" | "hold" | "lose" | "release";
  /** Which client it was for; undefined: all. */
  who: string | undefined;
  detail: string | undefined;
}

/** Noted by the kit: what happened to a server. */
export interface ServerEvent extends Common {
  kind: "server";
  what: "started" | "stopped" | "killed" | "paused" | "resumed" | "restarted" | "stepdown";
  /** Which one, where there are several. */
  name?: string;
  /** It is one of a cluster: the streams are on the others, too. */
  inCluster?: true;
}

/** Noted by the kit: what happened to a program of the learner. `client`: the name that its connection has. */
export interface ProgramEvent extends Common {
  kind: "program";
  what: "started" | "killed" | "frozen" | "resumed" | "told to stop" | "called" | "exited";
  name: string;
  /** `exit status 1`, `SIGKILL`. */
  detail?: string;
}

/** Noted by the kit: anything else worth a line. */
export interface NoteEvent extends Common {
  kind: "note";
  text: string;
}

export type WireEvent =
  | DialEvent
  | InfoEvent
  | ConnectEvent
  | DisconnectEvent
  | PingEvent
  | PublishEvent
  | SubscribeEvent
  | UnsubscribeEvent
  | PubAckEvent
  | DeliveryEvent
  | MessageEvent
  | AckEvent
  | PullEvent
  | StatusEvent
  | ApiEvent
  | ApiReplyEvent
  | ReplyEvent
  | ErrorEvent
  | UnreadableEvent
  | FaultEvent
  | ServerEvent
  | ProgramEvent
  | NoteEvent;

export type Kind = WireEvent["kind"];
/** The event of a kind. Kinds that share a shape (`ack` and `nak`) are told apart too. */
export type EventOf<K extends Kind> = WireEvent extends infer E
  ? E extends WireEvent
    ? K extends E["kind"]
      ? E & { kind: K }
      : never
    : never
  : never;

/** An event without what the journal adds to it. */
export type Fresh<E extends WireEvent = WireEvent> = E extends WireEvent ? Omit<E, "index" | "at"> : never;

/** Fields that an event must have, or a function that decides. */
export type Match<E extends WireEvent> = Partial<E> | ((event: E) => boolean);

/** Whether an event has all these fields, compared with `===`. */
export function matches<E extends WireEvent>(event: E, match: Match<E> | undefined): boolean {
  if (match === undefined) return true;
  if (typeof match === "function") return match(event);
  for (const key of Object.keys(match) as (keyof E)[]) if (event[key] !== match[key]) return false;
  return true;
}

/** A predicate on events for `until`, `hold` and `filter`: `is("ack", { streamSeq: 3 })`. */
export function is<K extends Kind>(
  kind: K,
  match?: Match<EventOf<K>>,
): (event: WireEvent) => event is EventOf<K> {
  return (event): event is EventOf<K> => event.kind === kind && matches(event as EventOf<K>, match);
}
