// Says what a frame means: an ack, a delivery, a PubAck. It remembers what was asked on a connection, because an answer
// can only be understood by its question.
import { type AckSubject, parseAckSubject } from "./ack-subject.ts";
import { BoundedMap } from "./bounded-map.ts";
import type {
  AckEvent,
  ApiEvent,
  DeliveryEvent,
  Fresh,
  MessageEvent,
  PublishEvent,
  PullEvent,
  SubscribeEvent,
  WireEvent,
} from "./events.ts";
import type { Direction, Frame, MessageFrame } from "./frames.ts";
import { type Headers, parseHeaders } from "./headers.ts";
import { preview } from "./preview.ts";
import type { Streaming } from "./streaming.ts";

/** Requests and deliveries that are remembered; an answer that comes after so many more is not linked to its question. */
const remembered = 20_000;
/** Characters of a payload that an event keeps. API calls and errors need more than other messages. */
const previewLength = 160;
const apiPreviewLength = 1024;

/** Deliveries by their ack subject. Shared by all connections: after a reconnect the ack comes on another one. */
export type Deliveries = BoundedMap<string, DeliveryEvent>;

export function newDeliveries(): Deliveries {
  return new BoundedMap(remembered);
}

/** Everything that can be answered on a reply subject. */
type Request = PublishEvent | ApiEvent | PullEvent | AckEvent;

/** Reads the frames of one connection into events. The caller numbers an event, and gives it back to `remember`. */
export class Meaning {
  readonly #subscriptions = new Map<string, SubscribeEvent>();
  readonly #requests = new BoundedMap<string, Request>(remembered);
  /** Messages that this client may answer, by their reply subject. */
  readonly #asked = new BoundedMap<string, number>(remembered);
  readonly #deliveries: Deliveries;
  readonly #streaming: Streaming;

  constructor(deliveries: Deliveries, streaming: Streaming) {
    this.#deliveries = deliveries;
    this.#streaming = streaming;
  }

  /** The event that a frame means; undefined for one without news (+OK). */
  read(frame: Frame, direction: Direction): Fresh | undefined {
    switch (frame.op) {
      case "PUB":
      case "HPUB":
        return this.#streaming.fromClient(frame) ?? this.#fromClient(frame);
      case "MSG":
      case "HMSG":
        return this.#streaming.fromServer(frame) ?? this.#fromServer(frame);
      case "PING":
        return { kind: "ping", direction };
      case "PONG":
        return { kind: "pong", direction };
      case "SUB":
        return { kind: "subscribe", direction, subject: frame.subject, queue: frame.queue, sid: frame.sid };
      case "UNSUB": {
        const subject = this.#subscriptions.get(frame.sid)?.subject;
        // A drain still receives: only the server's own order of things says which message was the last, so it is kept.
        return { kind: "unsubscribe", direction, subject, sid: frame.sid, max: frame.max };
      }
      case "INFO":
        return readInfo(frame.json);
      case "CONNECT":
        return readConnect(frame.json);
      case "-ERR":
        return { kind: "error", direction, text: frame.text, denied: readDenied(frame.text) };
      case "+OK":
        return undefined;
    }
  }

  /** Keeps what later frames refer to. `frame` is the one that `event` was read from. */
  remember(event: WireEvent, frame: Frame): void {
    if ("size" in frame && this.#streaming.remembers(event)) {
      this.#streaming.remember(event, frame);
      return;
    }
    switch (event.kind) {
      case "subscribe":
        this.#subscriptions.set(event.sid, event);
        break;
      case "delivery":
        if ("reply" in frame && frame.reply) this.#deliveries.set(frame.reply, event);
        break;
      case "message":
        if (event.reply) this.#asked.set(event.reply, event.index);
        break;
      case "publish":
      case "api":
      case "pull":
      case "ack":
      case "nak":
      case "term":
      case "inProgress":
        if ("reply" in frame && frame.reply) this.#requests.set(frame.reply, event);
        break;
    }
  }

  #fromClient(frame: MessageFrame): Fresh {
    const { subject } = frame;
    if (subject.startsWith("$JS.")) {
      const ack = parseAckSubject(subject);
      if (ack) return this.#ack(frame, ack);
      const call = readCall(subject);
      if (call?.call === "CONSUMER.MSG.NEXT" && call.about.length === 2) {
        return readPull(frame, call.about[0] as string, call.about[1] as string);
      }
      if (call)
        return { kind: "api", direction: "toServer", ...call, text: preview(frame, apiPreviewLength) };
    }
    const headers = frame.headerSize > 0 ? parseHeaders(headerOf(frame)).fields : undefined;
    return {
      kind: "publish",
      direction: "toServer",
      subject,
      reply: frame.reply,
      size: frame.size,
      text: preview(frame, previewLength),
      msgId: headers?.["Nats-Msg-Id"],
      headers,
      answers: this.#asked.size === 0 ? undefined : this.#asked.get(subject),
    };
  }

  /** The five kinds of ack payload: server/consumer.go, `processAck`. */
  #ack(frame: MessageFrame, ack: AckSubject): Fresh<AckEvent> | Fresh<PublishEvent> {
    const payload = payloadOf(frame);
    const of = this.#deliveries.get(frame.subject);
    const event: Fresh<AckEvent> = {
      kind: "ack",
      direction: "toServer",
      stream: ack.stream,
      consumer: ack.consumer,
      streamSeq: ack.streamSeq,
      consumerSeq: ack.consumerSeq,
      deliveryCount: ack.deliveryCount,
      delayMs: undefined,
      reason: undefined,
      awaited: frame.reply !== undefined,
      delivery: of?.index,
      subject: of?.subject,
      text: of?.text,
    };
    if (payload.startsWith("-NAK")) {
      const delay = parseJson(payload.slice(4))?.delay;
      return { ...event, kind: "nak", delayMs: typeof delay === "number" ? delay / 1e6 : undefined };
    }
    if (payload === "+WPI") return { ...event, kind: "inProgress" };
    if (payload.startsWith("+TERM"))
      return { ...event, kind: "term", reason: payload.slice(5).trim() || undefined };
    return event;
  }

  #fromServer(frame: MessageFrame): Fresh {
    const { subject, reply, sid = "" } = frame;
    const headers = frame.headerSize > 0 ? parseHeaders(headerOf(frame)) : undefined;
    if (headers?.status !== undefined && frame.size === 0)
      return this.#status(frame, headers.status, headers);
    const delivered = reply === undefined ? undefined : parseAckSubject(reply);
    if (delivered) {
      return {
        kind: "delivery",
        direction: "toClient",
        stream: delivered.stream,
        consumer: delivered.consumer,
        streamSeq: delivered.streamSeq,
        consumerSeq: delivered.consumerSeq,
        deliveryCount: delivered.deliveryCount,
        pending: delivered.pending,
        subject,
        sid,
        size: frame.size,
        text: preview(frame, previewLength),
        msgId: headers?.fields["Nats-Msg-Id"],
        headers: headers?.fields,
      };
    }
    const request = this.#requests.size === 0 ? undefined : this.#requests.get(subject);
    if (request) return readAnswer(frame, request, headers);
    const subscription = this.#subscriptions.get(sid);
    const message: Fresh<MessageEvent> = {
      kind: "message",
      direction: "toClient",
      subject,
      sid,
      subscription: subscription?.subject,
      queue: subscription?.queue,
      reply,
      size: frame.size,
      text: preview(frame, previewLength),
      headers: headers?.fields,
    };
    return message;
  }

  #status(frame: MessageFrame, code: number, headers: Headers): Fresh {
    const request = this.#requests.get(frame.subject);
    const about = request?.kind === "pull" ? request : undefined;
    return {
      kind: "status",
      direction: "toClient",
      code,
      description: headers.description || (code === 503 ? "No Responders" : ""),
      subject: frame.subject,
      request: request?.index,
      asked: code === 503 ? (headers.fields["Nats-Subject"] ?? askedSubject(request)) : undefined,
      stream: about?.stream,
      consumer: about?.consumer,
    };
  }
}

/** An answer from a stream, from the JetStream API, from the server to an ack, or from a service. */
function readAnswer(frame: MessageFrame, request: Request, headers: Headers | undefined): Fresh {
  const json = request.kind === "publish" || request.kind === "api" ? readJson(frame) : undefined;
  const error = readError(json?.error);
  if (request.kind === "api") {
    return {
      kind: "apiReply",
      direction: "toClient",
      call: request.call,
      about: request.about,
      ok: error === undefined,
      errCode: error?.errCode,
      error: error?.description,
      request: request.index,
    };
  }
  // A PubAck names the stream and the sequence; an API reply would also have a type (server/stream.go, JSPubAckResponse).
  if (
    request.kind === "publish" &&
    json &&
    typeof json.stream === "string" &&
    (error || typeof json.seq === "number")
  ) {
    return {
      kind: "puback",
      direction: "toClient",
      ok: error === undefined,
      stream: json.stream || undefined,
      seq: error ? undefined : (json.seq as number),
      duplicate: json.duplicate === true,
      subject: request.subject,
      msgId: request.msgId,
      text: request.text,
      publish: request.index,
      errCode: error?.errCode,
      error: error?.description,
    };
  }
  return {
    kind: "reply",
    direction: "toClient",
    subject: frame.subject,
    size: frame.size,
    text: preview(frame, previewLength),
    headers: headers?.fields,
    request: request.index,
    asked: askedSubject(request) ?? "",
  };
}

function askedSubject(request: Request | undefined): string | undefined {
  if (!request) return undefined;
  switch (request.kind) {
    case "pull":
      return `$JS.API.CONSUMER.MSG.NEXT.${request.stream}.${request.consumer}`;
    case "api":
      return `$JS.API.${[request.call, ...request.about].join(".")}`;
    case "publish":
      return request.subject;
    default:
      return `$JS.ACK of ${request.stream} sequence ${request.streamSeq}`;
  }
}

/** `$JS.API.STREAM.CREATE.PARCELS`, or the same with a domain: `$JS.hub.API.STREAM.CREATE.PARCELS`. */
function readCall(subject: string): { call: string; about: string[] } | undefined {
  const tokens = subject.split(".");
  const api = tokens.indexOf("API", 1);
  if (api !== 1 && api !== 2) return undefined;
  // A call's name is written in capitals of a few known words; a stream's name, which follows, may be in capitals too.
  const [group = "", second = "", third = "", ...rest] = tokens.slice(api + 1);
  if (group === "INFO") return { call: "INFO", about: [] };
  const long = third !== "" && threeWords.has(`${group}.${second}.${third}`);
  if (long) return { call: `${group}.${second}.${third}`, about: rest };
  // After the names of stream and consumer comes the subject that the consumer filters.
  if (group === "CONSUMER" && second === "CREATE" && rest.length > 2) {
    const [consumer = "", ...filter] = rest;
    return { call: "CONSUMER.CREATE", about: [third, consumer, filter.join(".")] };
  }
  return { call: second === "" ? group : `${group}.${second}`, about: third === "" ? [] : [third, ...rest] };
}

const threeWords = new Set([
  "CONSUMER.MSG.NEXT",
  "CONSUMER.DURABLE.CREATE",
  "CONSUMER.LEADER.STEPDOWN",
  "STREAM.MSG.GET",
  "STREAM.MSG.DELETE",
  "STREAM.LEADER.STEPDOWN",
  "STREAM.PEER.REMOVE",
  "META.LEADER.STEPDOWN",
]);

function readPull(frame: MessageFrame, stream: string, consumer: string): Fresh<PullEvent> {
  // The payload is empty, a bare number of messages, or JSON (server/consumer.go, parseNextMsgRequest).
  const text = payloadOf(frame).trim();
  const json = parseJson(text);
  const number = (value: unknown) => (typeof value === "number" && value > 0 ? value : undefined);
  const ms = (value: unknown) => (number(value) === undefined ? undefined : (value as number) / 1e6);
  return {
    kind: "pull",
    direction: "toServer",
    stream,
    consumer,
    batch: /^\d+$/.test(text) ? Number(text) : (number(json?.batch) ?? 1),
    expiresMs: ms(json?.expires),
    noWait: json?.no_wait === true,
    maxBytes: number(json?.max_bytes),
    heartbeatMs: ms(json?.idle_heartbeat),
    group: typeof json?.group === "string" ? json.group : undefined,
  };
}

function readInfo(text: string): Fresh {
  const info = parseJson(text) ?? {};
  return {
    kind: "info",
    direction: "toClient",
    serverName: string(info.server_name) ?? "",
    version: string(info.version) ?? "",
    lameDuck: info.ldm === true,
  };
}

function readConnect(text: string): Fresh {
  const options = parseJson(text) ?? {};
  return {
    kind: "connect",
    direction: "toServer",
    name: string(options.name),
    user: string(options.user),
    lang: string(options.lang),
    version: string(options.version),
  };
}

/** `Permissions Violation for Publish to "a.b"`: server/client.go, pubPermissionViolation and subPermissionViolation. */
function readDenied(text: string): { operation: "publish" | "subscribe"; subject: string } | undefined {
  const found = /^Permissions Violation for (Publish|Subscription)\b.*? (?:to|of) "([^"]*)"/i.exec(text);
  if (!found) return undefined;
  return {
    operation: found[1]?.toLowerCase() === "publish" ? "publish" : "subscribe",
    subject: found[2] ?? "",
  };
}

function readError(error: unknown): { errCode: number | undefined; description: string } | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  const { err_code, description } = error as Record<string, unknown>;
  return {
    errCode: typeof err_code === "number" ? err_code : undefined,
    description: string(description) ?? "",
  };
}

/** The payload as a JSON object, if it came whole. Of a long answer (a stream's whole state) only its error matters. */
function readJson(frame: MessageFrame): Record<string, unknown> | undefined {
  if (frame.size === 0 || frame.bytes[frame.payloadAt] !== 0x7b) return undefined;
  return parseJson(payloadOf(frame));
}

function parseJson(text: string): Record<string, unknown> | undefined {
  const trimmed = text.trim();
  if (!trimmed.startsWith("{")) return undefined;
  try {
    return JSON.parse(trimmed) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

function string(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function headerOf(frame: MessageFrame): Buffer {
  return frame.bytes.subarray(frame.headerAt, frame.headerAt + frame.headerLength);
}

/** What was kept of the payload. */
function payloadOf(frame: MessageFrame): string {
  return frame.bytes.toString("utf8", frame.payloadAt, frame.payloadAt + frame.payloadLength);
}
