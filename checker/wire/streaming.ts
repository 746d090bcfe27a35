// Says what a message of the NATS Streaming protocol means. It is protobuf in plain NATS messages: publishes go to `_STAN.pub.<id>.<channel>`,
// deliveries come to an inbox of the client, and acks go to an inbox of the server (nats-streaming-server, protocol.proto). A channel is
// told as a stream, and a subscription as a consumer, so that a journal of the old server reads as one of the new.
import { BoundedMap } from "./bounded-map.ts";
import type { AckEvent, ApiEvent, DeliveryEvent, Fresh, PublishEvent, WireEvent } from "./events.ts";
import type { MessageFrame } from "./frames.ts";
import { type Part, preview } from "./preview.ts";

const remembered = 20_000;
const previewLength = 160;

/** By the word in their subject, `_STAN.sub.<id>`; and the number of the field that says what they are about. */
const requests: Readonly<Record<string, { call: string; about: number }>> = {
  discover: { call: "connect", about: 1 },
  sub: { call: "subscribe", about: 2 },
  subclose: { call: "close", about: 2 },
  unsub: { call: "unsubscribe", about: 2 },
  close: { call: "disconnect", about: 1 },
};

const startPositions = ["new only", "last received", "time delta", "sequence", "first"];

/** A subscription of a client, from its request on. */
interface Subscription {
  readonly channel: string;
  /** What tells it from others: the durable's name, the group's, or that of the client. */
  readonly name: string;
  /** Where the client gets its messages. */
  readonly inbox: string;
}

/** What was asked of the streaming server, and what it delivered: for all connections, because after a reconnect its inboxes live on. */
export class Streaming {
  /** By the inbox that the client made for it, and by the server's inbox for its acks. */
  readonly #byInbox = new Map<string, Subscription>();
  readonly #byAckInbox = new Map<string, Subscription>();
  readonly #asked = new BoundedMap<string, { request: ApiEvent; inbox: string }>(remembered);
  /** By their guid. */
  readonly #publishes = new BoundedMap<string, PublishEvent>(remembered);
  readonly #deliveries = new BoundedMap<string, DeliveryEvent>(remembered);
  /** Inboxes for signs of life, and where these are answered. */
  readonly #signsOfLife = new Set<string>();

  /** Whether a client of it was seen: most runs have none, and are not to be slowed down. */
  get #inUse(): boolean {
    return this.#signsOfLife.size > 0;
  }

  /** The event that a client's message means; undefined when it has nothing to do with NATS Streaming. */
  fromClient(frame: MessageFrame): Fresh | undefined {
    const { subject } = frame;
    if (this.#inUse) {
      if (this.#signsOfLife.has(subject)) return { kind: "pong", direction: "toServer" };
      const subscription = this.#byAckInbox.get(subject);
      if (subscription) return this.#ack(frame, subscription);
    }
    if (!subject.startsWith("_STAN.")) return undefined;
    const [, word = "", , ...channel] = subject.split(".");
    if (word === "ping") return { kind: "ping", direction: "toServer" };
    if (word === "pub") return publish(frame, channel.join("."));
    const request = requests[word];
    return request && this.#request(frame, request);
  }

  /** The event that a message to a client means; undefined when it has nothing to do with NATS Streaming. */
  fromServer(frame: MessageFrame): Fresh | undefined {
    if (!this.#inUse) return undefined;
    const { subject } = frame;
    if (subject.startsWith("_STAN.acks.")) return this.#pubAck(frame);
    if (this.#signsOfLife.has(subject)) return { kind: "ping", direction: "toClient" };
    const subscription = this.#byInbox.get(subject);
    if (subscription) return delivery(frame, subscription);
    const asked = this.#asked.get(subject);
    return asked && answer(frame, asked.request);
  }

  /** Whether an event was read here. A sign of life has no other mark than that it is a message. */
  remembers(event: WireEvent): boolean {
    return event.of === "channel" || event.kind === "ping";
  }

  /** Keeps what later messages refer to. */
  remember(event: WireEvent, frame: MessageFrame): void {
    const fields = read(frame);
    if (event.kind === "ping" && frame.reply) this.#signsOfLife.add(frame.reply);
    if (event.kind === "publish") this.#publishes.set(fields.text(2), event);
    if (event.kind === "delivery") this.#deliveries.set(`${frame.subject} ${event.streamSeq}`, event);
    if (event.kind === "api") {
      const inbox = event.call === "subscribe" ? fields.text(4) : "";
      if (frame.reply) this.#asked.set(frame.reply, { request: event, inbox });
      if (event.call === "connect") this.#signsOfLife.add(fields.text(2));
      // The first message may come before the answer.
      if (inbox) this.#byInbox.set(inbox, subscriptionOf(event, inbox));
    }
    if (event.kind === "apiReply" && event.call === "subscribe") {
      const inbox = this.#asked.get(frame.subject)?.inbox ?? "";
      this.#byAckInbox.set(fields.text(2), subscriptionOf(event, inbox));
    }
  }

  #request(frame: MessageFrame, { call, about }: { call: string; about: number }): Fresh<ApiEvent> {
    const fields = read(frame);
    const own = call === "subscribe" ? nameOf(fields) : this.#byAckInbox.get(fields.text(3))?.name;
    const start = startPositions[fields.number(10)] ?? "";
    const settings = {
      durable_name: fields.text(7) || undefined,
      queue_group: fields.text(3) || undefined,
      max_in_flight: fields.number(5),
      ack_wait_s: fields.number(6),
      start,
      start_sequence: start === "sequence" ? fields.number(11) : undefined,
      start_delta_ms: start === "time delta" ? fields.number(12) / 1e6 : undefined,
    };
    return {
      kind: "api",
      direction: "toServer",
      call,
      about: [fields.text(about), ...(own ? [own] : [])],
      text: call === "subscribe" ? JSON.stringify(settings) : undefined,
      of: "channel",
    };
  }

  #pubAck(frame: MessageFrame): Fresh | undefined {
    const fields = read(frame);
    const of = this.#publishes.get(fields.text(1));
    const error = fields.text(2) || undefined;
    return (
      of && {
        kind: "puback",
        direction: "toClient",
        ok: error === undefined,
        stream: of.subject,
        // It does not say under which one.
        seq: undefined,
        duplicate: false,
        subject: of.subject,
        msgId: undefined,
        text: of.text,
        publish: of.index,
        errCode: undefined,
        error,
        of: "channel",
      }
    );
  }

  #ack(frame: MessageFrame, { channel, name, inbox }: Subscription): Fresh<AckEvent> {
    const streamSeq = read(frame).number(2);
    const of = this.#deliveries.get(`${inbox} ${streamSeq}`);
    return {
      kind: "ack",
      direction: "toServer",
      stream: channel,
      consumer: name,
      streamSeq,
      consumerSeq: 0,
      deliveryCount: of?.deliveryCount ?? 1,
      delayMs: undefined,
      reason: undefined,
      awaited: false,
      delivery: of?.index,
      subject: channel,
      text: of?.text,
      of: "channel",
    };
  }
}

function publish(frame: MessageFrame, channel: string): Fresh<PublishEvent> {
  const data = read(frame).bytes(5);
  return {
    kind: "publish",
    direction: "toServer",
    subject: channel,
    reply: frame.reply,
    size: data.size,
    text: preview(data, previewLength),
    msgId: undefined,
    headers: undefined,
    answers: undefined,
    of: "channel",
  };
}

function delivery(frame: MessageFrame, { channel, name }: Subscription): Fresh<DeliveryEvent> {
  const fields = read(frame);
  const data = fields.bytes(4);
  return {
    kind: "delivery",
    direction: "toClient",
    stream: channel,
    consumer: name,
    streamSeq: fields.number(1),
    consumerSeq: 0,
    deliveryCount: Math.max(fields.number(7), fields.number(6)) + 1,
    pending: 0,
    subject: channel,
    sid: frame.sid ?? "",
    size: data.size,
    text: preview(data, previewLength),
    msgId: undefined,
    headers: undefined,
    of: "channel",
  };
}

function answer(frame: MessageFrame, asked: ApiEvent): Fresh {
  // ConnectResponse, SubscriptionResponse, CloseResponse.
  const error =
    read(frame).text(asked.call === "connect" ? 5 : asked.call === "disconnect" ? 1 : 3) || undefined;
  return {
    kind: "apiReply",
    direction: "toClient",
    call: asked.call,
    about: asked.about,
    ok: error === undefined,
    errCode: undefined,
    error,
    request: asked.index,
    of: "channel",
  };
}

const subscriptionOf = (
  { about: [channel = "", name = ""] }: { about: string[] },
  inbox: string,
): Subscription => ({ channel, name, inbox });

const nameOf = (fields: Fields) => fields.text(7) || fields.text(3) || fields.text(1);

/** The fields of a protobuf message by their numbers; one that is absent is 0 or empty, as protobuf has it. */
class Fields {
  constructor(private readonly values: ReadonlyMap<number, number | Part>) {}

  number(field: number): number {
    const value = this.values.get(field);
    return typeof value === "number" ? value : 0;
  }

  bytes(field: number): Part {
    const value = this.values.get(field);
    return typeof value === "object"
      ? value
      : { bytes: Buffer.alloc(0), payloadAt: 0, payloadLength: 0, size: 0 };
  }

  text(field: number): string {
    const { bytes, payloadAt, payloadLength } = this.bytes(field);
    return bytes.toString("utf8", payloadAt, payloadAt + payloadLength);
  }
}

/** Reads what is there of a message: of a long one, its beginning (https://protobuf.dev/programming-guides/encoding/). */
function read({ bytes, payloadAt, payloadLength }: MessageFrame): Fields {
  const values = new Map<number, number | Part>();
  const end = payloadAt + payloadLength;
  let at = payloadAt;
  const varint = () => {
    let value = 0;
    for (let factor = 1; at < end; factor *= 128) {
      const byte = bytes[at++] as number;
      value += (byte & 127) * factor;
      if (byte < 128) break;
    }
    return value;
  };
  while (at < end) {
    const tag = varint();
    const field = Math.floor(tag / 8);
    if (tag % 8 === 0) values.set(field, varint());
    else if (tag % 8 === 2) {
      const size = varint();
      values.set(field, { bytes, payloadAt: at, payloadLength: Math.max(0, Math.min(size, end - at)), size });
      at += size;
    } else break;
  }
  return new Fields(values);
}
