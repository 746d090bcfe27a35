// Events on the wire as lines of evidence.
import { describe, evidenceLine } from "../wire/describe.ts";
import type { EventOf, WireEvent } from "../wire/events.ts";
import type { Journal } from "../wire/journal.ts";
import type { FindingParts } from "./finding.ts";

/** A verdict has 100 columns, and sets evidence in by eight. */
const columns = 92;
/** Of a line that is too long its end stays, which is often the point: `(lost on the way)`. */
const tail = 24;
/** Events that a learner reads before the eye gives up. */
const most = 4;

/** A name that a client made up (22 characters of a NUID): its beginning tells it from another. */
const madeUpName = /\b(?=[A-Z]*\d)(?=\d*[A-Z])([0-9A-Z]{4})[0-9A-Z]{18}(?:_\d+)?\b/g;

/** An event as a line of evidence; with words of the check's own, where those of the wire do not fit. */
export function wireLine(event: WireEvent, words?: string): string {
  // What a line says at its end is often the point, so a long payload gives way first.
  const candidates =
    words === undefined ? [40, 24, 12, 6].map((payload) => describe(event, payload)) : [words];
  const lines = candidates.map((each) => evidenceLine(event, each).replace(madeUpName, "$1…"));
  const line = lines.find((each) => each.length <= columns) ?? lines.at(-1) ?? "";
  return squeeze(line, columns);
}

/** A line that has room; what gives way is in its middle. */
export function squeeze(line: string, room: number): string {
  return line.length > room ? `${line.slice(0, room - tail - 1)}…${line.slice(-tail)}` : line;
}

/** What a request to the JetStream API says of a setting: `+3 ms  hub: API STREAM.CREATE SCANS, max_age 172800000`. */
export function settingLine(event: EventOf<"api">, setting: string): string {
  const value = new RegExp(`"${setting}":("[^"]*"|\\[[^\\]]*\\]|[^,}\\]]+)`).exec(event.text ?? "")?.[1];
  return wireLine(event, `${describe(event)}, ${setting} ${value ?? "not set"}`);
}

/** The events that prove something: of many the first ones and the last, and how many lie between. */
export function proof(events: readonly WireEvent[]): string[] {
  const lines = [...new Set(events)].sort((a, b) => a.index - b.index).map((event) => wireLine(event));
  if (lines.length <= most + 1) return lines;
  const [last = ""] = lines.slice(-1);
  return [...lines.slice(0, most - 1), `… and ${lines.length - most} more, the last:`, last];
}

/**
 * Where a check has no evidence of its own choice, or none from the wire for a plain failure, the last that happened there is what a
 * learner would look at first.
 */
export function shownOnTheWire(parts: FindingParts, journal: Journal): FindingParts {
  const { evidence = [], belief } = parts;
  if (belief !== undefined && evidence.length > 0) return parts;
  if (evidence.some(isFromTheWire)) return parts;
  const last = journal.events.filter(isNews).slice(-most);
  // What the check did to the network tells nothing about a program that sent nothing.
  if (last.every(({ kind }) => kind === "fault")) return parts;
  return { ...parts, evidence: [...evidence, ...last.map((event) => wireLine(event))] };
}

/** The time that a line of evidence begins with, when it tells of an event: `+12 ms`. */
export function timeOf(line: string): string | undefined {
  return /^\+[\d.]+ m?s(?= {2})/.exec(line)?.[0];
}

export function isFromTheWire(line: string): boolean {
  return timeOf(line) !== undefined;
}

/** What happened to messages, programs and servers; not the housekeeping of connections. */
function isNews(event: WireEvent): boolean {
  switch (event.kind) {
    case "dial":
    case "info":
    case "connect":
    case "ping":
    case "pong":
    case "pull":
    case "api":
      return false;
    case "subscribe":
    case "unsubscribe":
      return event.subject !== undefined && !/^(_INBOX|_STAN)\./.test(event.subject);
    case "apiReply":
      return !event.ok;
    case "reply":
      return !event.asked.startsWith("$JS.");
    case "status":
      return event.code !== 100;
    case "disconnect":
      return event.by !== "kill" && (event.by !== "client" || event.how !== "end");
    case "program":
      return ["killed", "frozen", "resumed", "told to stop"].includes(event.what);
    default:
      return true;
  }
}
