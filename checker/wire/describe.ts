// An event in plain words, for verdicts and for people who read a timeline.
import type { WireEvent } from "./events.ts";

/** `+12 ms`; below 10 ms with one decimal, because faults and acks lie that close; `+12.3 s` from 10 seconds on. */
export function atText(ms: number): string {
  if (ms >= 9999.5) return `+${(ms / 1000).toFixed(1)} s`;
  return `+${ms < 9.95 ? ms.toFixed(1).replace(/\.0$/, "") : Math.round(ms)} ms`;
}

/** Characters of a payload that a phrase shows: it is to be recognised, not read. */
const payloadLength = 40;

/** `+12 ms  worker: ack of parcel.ams.scan "p3", stream sequence 3`. */
export function evidenceLine(event: WireEvent, words = describe(event)): string {
  const who = event.client === undefined || event.kind === "program" ? "" : `${event.client}: `;
  return `${atText(event.at)}  ${who}${words}`;
}

/**
 * What happened, as a phrase without time and client: `ack of parcel.ams.scan "p3", stream sequence 3`.
 * @param payload how many characters of a payload it may show
 */
export function describe(event: WireEvent, payload = payloadLength): string {
  const words = phrase(event, payload);
  if (event.kept === "held") return `${words} (held back)`;
  if (event.kept === "dropped") return `${words} (lost on the way)`;
  return words;
}

function phrase(event: WireEvent, payload: number): string {
  switch (event.kind) {
    case "dial":
      return event.accepted ? "connection opened" : "connection refused: the server is down";
    case "info":
      return event.lameDuck
        ? "the server announces that it will shut down"
        : `the server introduces itself, version ${event.version}`;
    case "connect":
      return event.user === undefined ? "CONNECT" : `CONNECT as ${event.user}`;
    case "disconnect":
      return disconnected[event.by][event.how];
    case "ping":
      return event.direction === "toServer" ? "PING (flush, or a sign of life)" : "PING from the server";
    case "pong":
      return event.direction === "toClient" ? "PONG: the server has read everything before" : "PONG";
    case "publish":
      return `${event.answers === undefined ? "publish" : "answer"} ${event.subject}${quoted(event.text, event.size, payload)}${
        event.msgId === undefined ? "" : `, message id ${event.msgId}`
      }`;
    case "subscribe":
      return `subscribe ${event.subject}${event.queue === undefined ? "" : `, queue group ${event.queue}`}`;
    case "unsubscribe":
      return `unsubscribe ${event.subject ?? `number ${event.sid}`}${
        event.max === undefined ? "" : ` after ${count(event.max, "message")}`
      }`;
    case "puback":
      return pubAck(event, payload);
    case "delivery": {
      const again = event.deliveryCount > 1 ? `delivery ${event.deliveryCount} of` : "delivery of";
      return `${again} ${event.subject}${quoted(event.text, event.size, payload)}, ${event.of ?? "stream"} sequence ${event.streamSeq}, to ${event.consumer}`;
    }
    case "message":
      return `message ${event.subject}${quoted(event.text, event.size, payload)}${
        event.queue === undefined ? "" : `, queue group ${event.queue}`
      }`;
    case "ack":
      return `ack of ${acked(event, payload)}${event.awaited ? ", confirmation asked" : ""}`;
    case "nak":
      return `nak of ${acked(event, payload)}${event.delayMs === undefined ? "" : `, again in ${event.delayMs} ms`}`;
    case "term":
      return `term of ${acked(event, payload)}${event.reason === undefined ? "" : `: ${event.reason}`}`;
    case "inProgress":
      return `in progress: ${acked(event, payload)}`;
    case "pull":
      return `pull ${event.consumer}: up to ${count(event.batch, "message")}${
        event.noWait
          ? ", without waiting"
          : event.expiresMs === undefined
            ? ""
            : `, for ${trim(event.expiresMs)} ms`
      }`;
    case "status":
      return (
        `status ${event.code} ${event.description}`.trimEnd() + (event.asked ? ` on ${event.asked}` : "")
      );
    case "api":
      return called(event);
    case "apiReply":
      return `${called(event)}: ${event.ok ? "ok" : `refused, ${because(event)}`}`;
    case "reply":
      return `reply to ${event.asked}${quoted(event.text, event.size, payload)}`;
    case "error":
      return `-ERR ${event.text}`;
    case "unreadable":
      return event.reason === "tls"
        ? "encrypted from here on, not readable"
        : `not readable: ${event.detail}`;
    case "fault":
      return `${faults[event.what]} ${event.who ?? "all clients"}${event.detail === undefined ? "" : ` (${event.detail})`}`;
    case "server":
      return `${event.name === undefined ? "server" : `server ${event.name}`} ${servers[event.what]}`;
    case "program":
      return `${event.client ?? event.name} ${event.what}${event.detail === undefined ? "" : ` (${event.detail})`}`;
    case "note":
      return event.text;
  }
}

function called({ call, about, of }: Extract<WireEvent, { kind: "api" | "apiReply" }>): string {
  return [of === "channel" ? "streaming" : "API", call, ...about].join(" ").trimEnd();
}

/** NATS Streaming has words for its errors, and no numbers. */
function because({ error, errCode }: { error: string | undefined; errCode: number | undefined }): string {
  return errCode === undefined ? `${error}` : `${error} (${errCode})`;
}

function pubAck(event: Extract<WireEvent, { kind: "puback" }>, payload: number): string {
  if (!event.ok) return `refused: ${event.subject}, ${because(event)}`;
  const stored = `${event.subject}${event.text === undefined ? "" : ` ${shorten(event.text, payload)}`}`;
  return event.duplicate
    ? `PubAck: ${stored} is a duplicate, ${event.stream} has it as sequence ${event.seq}`
    : `PubAck: ${stored} stored${event.of === "channel" ? "" : ` in ${event.stream} as sequence ${event.seq}`}`;
}

function acked(event: Extract<WireEvent, { streamSeq: number; awaited: boolean }>, payload: number): string {
  const what = event.subject === undefined ? "a message" : event.subject;
  const text = event.text === undefined ? "" : ` ${shorten(event.text, payload)}`;
  const again = event.deliveryCount > 1 ? `, delivery ${event.deliveryCount}` : "";
  return `${what}${text}, ${event.of ?? "stream"} sequence ${event.streamSeq}${again}`;
}

const disconnected = {
  client: { end: "the client closed the connection", reset: "the client broke the connection off" },
  server: { end: "the server closed the connection", reset: "the server broke the connection off" },
  fault: { end: "the connection was closed", reset: "the connection was cut" },
  kill: { end: "the connection went with the program", reset: "the connection went with the program" },
};

const faults = {
  cut: "connection cut:",
  stall: "network stalled:",
  slow: "network slowed down:",
  hold: "messages held back:",
  lose: "messages lost from here on:",
  release: "network free again:",
};

const servers = {
  started: "started",
  stopped: "stopped",
  killed: "killed",
  paused: "frozen",
  resumed: "thawed",
  restarted: "back",
  stepdown: "gave up its leadership",
};

function quoted(text: string | undefined, size: number, payload: number): string {
  if (size === 0) return "";
  return text === undefined ? ` (${count(size, "byte")} of binary data)` : ` ${shorten(text, payload)}`;
}

function shorten(text: string, most: number): string {
  const short = text.length > most ? `${text.slice(0, most - 1)}…` : text;
  // In JSON of JSON there is more backslash than text.
  return text.startsWith("{") ? short.replace(/\s+/g, " ") : JSON.stringify(short);
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}

function trim(ms: number): string {
  return String(Math.round(ms * 10) / 10);
}
