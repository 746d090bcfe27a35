// A timeline as a document, and in the form in which two recordings of the same story are equal.
import type { Lane, Shown, Timeline } from "./model.ts";

export interface SavedTimeline extends Timeline {
  format: "learn-nats timeline";
  version: 1;
}

export function saveTimeline(timeline: Timeline): SavedTimeline {
  return {
    format: "learn-nats timeline",
    version: 1,
    ...timeline,
    moments: timeline.moments.map((moment) => roundTimes(moment)),
  };
}

/** @throws {TypeError} when the document is not a timeline, or of a version that this course does not know */
export function loadTimeline(document: unknown): Timeline {
  const saved = document as Partial<SavedTimeline> | null;
  if (
    saved?.format !== "learn-nats timeline" ||
    !Array.isArray(saved.moments) ||
    !Array.isArray(saved.lanes)
  ) {
    throw new TypeError("This is not a timeline.");
  }
  if (saved.version !== 1)
    throw new TypeError(`The timeline has version ${saved.version}, and this course reads version 1.`);
  return {
    title: saved.title ?? "",
    lanes: saved.lanes,
    moments: saved.moments,
    leftOut: saved.leftOut ?? 0,
  };
}

function roundTimes(moment: Shown): Shown {
  const round = (ms: number) => Math.round(ms * 1000) / 1000;
  return moment.shape === "more"
    ? { ...moment, at: round(moment.at), until: round(moment.until) }
    : { ...moment, at: round(moment.at) };
}

/**
 * The timeline without what differs between two runs of the same program: times, ports, random names and ids, and how
 * often something happened that only time decides (reconnects, pull requests). Order and wording stay.
 */
export function stable(timeline: Timeline): Timeline {
  return {
    title: timeline.title,
    lanes: timeline.lanes.map((lane) => ({ ...lane, title: unrandom(lane.title) })),
    moments: timeline.moments.map((moment) => stableMoment(moment)),
    leftOut: timeline.leftOut > 0 ? 1 : 0,
  };
}

/**
 * What two runs of the same story have in common even on machines of different speed: for each way that messages go, the
 * sorts of what went there, in the order in which each came first. Across ways there is no order, and how often
 * something is repeated, or shown, is up to time.
 */
export function storyOf(timeline: Timeline): {
  title: string;
  lanes: Lane[];
  ways: Record<string, string[]>;
} {
  const { title, lanes, moments } = stable(timeline);
  const ways: Record<string, string[]> = {};
  const told = new Set<string>();
  for (const moment of moments) {
    // Whether the end of a process or of its connection is heard of first, and before the check is over, is up to time.
    if (moment.shape === "more" || /^(disconnect |program exited)/.test(moment.sort)) continue;
    const name = (lane: number) => lanes[lane]?.title ?? "";
    const way =
      moment.shape === "band"
        ? "all"
        : moment.shape === "mark"
          ? name(moment.from)
          : `${name(moment.from)} to ${name(moment.to)}`;
    const key = `${way}: ${moment.sort} ${moment.tone}`;
    if (told.has(key)) continue;
    told.add(key);
    ways[way] ??= [];
    ways[way].push(`${moment.tone}: ${moment.label}`);
  }
  const sorted = Object.entries(ways).sort(([a], [b]) => (a < b ? -1 : 1));
  return { title, lanes, ways: Object.fromEntries(sorted) };
}

function stableMoment(moment: Shown): Shown {
  const words = { at: 0, label: unrandom(moment.label), detail: unrandom(moment.detail) };
  if (moment.shape !== "more")
    return { ...moment, ...words, message: moment.message && unrandom(moment.message) };
  if (!timed.test(moment.detail)) return { ...moment, ...words, until: 0 };
  return { ...moment, at: 0, until: 0, count: 0, label: "some more", detail: "some more" };
}

const timed = /refused connection|pull request|status|PING|connect|heartbeat/;

function unrandom(text: string): string {
  return (
    text
      // Which node of a cluster leads is up to chance.
      .replace(/\bserver hub-\d+\b/g, "server hub-N")
      .replace(/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, "<uuid>")
      .replace(/\bid [0-9a-z]{8}…/gi, "id <id>")
      .replace(/_INBOX\.[\w.*>-]+/g, "_INBOX.<id>")
      // A NUID: 22 characters of digits and capitals, with at least one of each (names of clients and consumers).
      .replace(/\b(?=[A-Z]*\d)(?=\d*[A-Z])[0-9A-Z]{22}\b/g, "<id>")
      .replace(/\b(127\.0\.0\.1|localhost):\d+/g, "$1:<port>")
      .replace(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, "<time>")
      .replace(/\b\d{13}\b/g, "<time>")
      .replace(/\bclient \d+\b/g, "client <n>")
  );
}
