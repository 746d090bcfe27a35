// Which events of a run are worth a line in its timeline, and how each one reads.
import { describe } from "../describe.ts";
import type { WireEvent } from "../events.ts";
import type { Lanes } from "./lanes.ts";

/** How a moment is meant: news as usual, good news, worth a look, a loss or a fault, of little weight. */
export type Tone = "plain" | "good" | "warn" | "bad" | "muted";

/** What a line of the timeline shows, before repeats are collapsed. */
export interface Moment {
  /** Milliseconds since the journal's start. */
  at: number;
  /** `arrow`: from one lane to another. `mark`: on a lane. `band`: for all lanes. */
  shape: "arrow" | "mark" | "band";
  from: number;
  to: number;
  /** Whether what travels comes to its end. */
  fate: "arrives" | "held" | "lost";
  tone: Tone;
  /** As short as it can be said beside its lanes: `ack "p1"`. */
  label: string;
  /** The whole of it: `ack of parcel.ams.scan "p1", stream sequence 1`. */
  detail: string;
  /** Moments of the same sort are alike, and may be collapsed: `19 acks`. */
  sort: string;
  /** Plural of the sort, for a collapsed line. */
  many: string;
  /** A loss, a redelivery, a duplicate, a fault: never collapsed before all else is. */
  matters: boolean;
  /** The stream's message that it is about. */
  message: string | undefined;
  /** Lanes that come to life, or are gone, from here on. */
  turns?: { to: "up" | "down"; lanes: number[] };
}

/** Says an event as a moment; undefined when it would only be noise. */
export function toMoment(event: WireEvent, lanes: Lanes, run: Run): Moment | undefined {
  const moment = shaped(event, lanes, run);
  if (!moment) return undefined;
  if (event.kept) {
    moment.fate = event.kept === "held" ? "held" : "lost";
    moment.tone = "bad";
    moment.matters = true;
    moment.label += event.kept === "held" ? ", held back" : ", lost";
  }
  return moment;
}

/** What has to be known of the whole run to say what one event means. */
export class Run {
  /** Whether streams take part. */
  readonly jetstream: boolean;
  readonly #sequences = new Map<number, { stream: string | undefined; seq: number | undefined }>();
  readonly #answered = new Set<number>();
  readonly #settled = new Set<number>();
  readonly #ackingConsumers = new Set<string>();
  readonly #greeted = new Set<number>();
  readonly #served = new Set<string>();
  /** Names of clients whose messages a stream stored or refused, and subjects of these messages. */
  readonly #stores = new Set<string>();
  readonly #freed = new Map<number, number>();
  readonly #ended = new Set<string>();
  /** Subjects that reports of message tracing go to. */
  readonly #traceSubjects = new Set<string>();
  /** Keys of JSON payloads that have the same value in each of them. */
  readonly #same: ReadonlySet<string>;

  constructor(events: readonly WireEvent[]) {
    this.jetstream = events.some(({ kind }) => kind === "puback" || kind === "delivery" || kind === "pull");
    for (const event of events) {
      const traceSubject = event.kind === "publish" && traceSubjectOf(event);
      if (traceSubject) this.#traceSubjects.add(traceSubject);
      if (event.kind === "puback") this.#sequences.set(event.publish, event);
      if (event.kind === "puback") this.#answered.add(event.publish);
      if (event.kind === "puback") this.#stores.add(`${event.client}`).add(`> ${event.subject}`);
      if (event.kind === "reply" || event.kind === "apiReply") this.#answered.add(event.request);
      if (event.kind === "status" && event.request !== undefined) this.#answered.add(event.request);
      if (event.kind === "ack" || event.kind === "nak" || event.kind === "term") {
        this.#ackingConsumers.add(`${event.stream} ${event.consumer}`);
        if (event.delivery !== undefined) this.#settled.add(event.delivery);
      }
      if (event.kind === "delivery") this.#served.add(served(event));
      if (event.kind === "delivery" && event.deliveryCount > 1)
        this.#ackingConsumers.add(`${event.stream} ${event.consumer}`);
    }
    this.#same = sameInAll(events);
    this.#countFreed(events);
  }

  /**
   * Whether a publish that waits for an answer is one to a stream, and no request to a colleague. On the wire they look alike; a
   * message id or an expectation says it, or that a stream answered this client or this subject at another time.
   */
  toStream(event: Extract<WireEvent, { kind: "publish" }>): boolean {
    if (event.of === "channel") return true;
    const forStreams = Object.keys(event.headers ?? {}).some((name) =>
      /^Nats-(Msg-Id|Expected-)/i.test(name),
    );
    return forStreams || this.#stores.has(`${event.client}`) || this.#stores.has(`> ${event.subject}`);
  }

  /** Whether the server reports of a traced message on this subject. */
  takesReports(subject: string): boolean {
    return this.#traceSubjects.has(subject);
  }

  /** How many messages go on their way when a fault ends. */
  freed(index: number): number {
    return this.#freed.get(index) ?? 0;
  }

  /** The client says it twice when it drains; the second has no effect. */
  endsAgain({ connection, sid, max }: Extract<WireEvent, { kind: "unsubscribe" }>): boolean {
    const key = `${connection} ${sid}`;
    const again = this.#ended.has(key);
    if (max === undefined) this.#ended.add(key);
    return again;
  }

  /**
   * A payload, as short as it can be told from the others. Of a JSON object, what is the same in all of them is left out:
   * `{no:1,parcel:P-1,…}`.
   */
  short(text: string): string {
    if (!text.startsWith("{")) {
      const line = text.replace(/\s+/g, " ");
      return `"${cut(line, 18)}"`;
    }
    const whole = bare(text);
    if (whole.length <= jsonLength) return whole;
    const object = objectOf(text);
    const telling = Object.entries(object ?? {}).filter(([key]) => !this.#same.has(key));
    if (object === undefined || telling.length === 0 || telling.length === Object.keys(object).length)
      return cut(whole, jsonLength);
    return cut(`${bare(JSON.stringify(Object.fromEntries(telling))).slice(0, -1)},…}`, jsonLength);
  }

  quote(text: string | undefined, size: number, subject: string): string {
    if (size === 0) return subject;
    return text === undefined ? `${subject} (${size} bytes)`.trim() : this.short(text);
  }

  /** `parcel.ams.scan "p1"`; with a message id this one, where both have no room. */
  subjectAnd(event: {
    text: string | undefined;
    size: number;
    subject: string;
    msgId?: string | undefined;
  }): string {
    const long = (event.text?.length ?? 0) > jsonLength;
    if (event.msgId !== undefined && long) return `${event.subject}, id ${shortId(event.msgId)}`;
    return event.size === 0 || event.text === undefined
      ? this.quote(event.text, event.size, event.subject)
      : `${event.subject} ${this.short(event.text)}`;
  }

  #countFreed(events: readonly WireEvent[]): void {
    const held: number[] = [];
    const whose = new Map<number, string | undefined>();
    for (const event of events) {
      if (event.kept === "held" && carriesMessage.has(event.kind)) {
        held.push(event.index);
        whose.set(event.index, event.client);
      }
      if (event.kind !== "fault" || event.what !== "release") continue;
      const freed = held.filter((index) => event.who === undefined || whose.get(index) === event.who);
      this.#freed.set(event.index, freed.length);
      for (const index of freed) held.splice(held.indexOf(index), 1);
    }
  }

  /** Where a publish was stored. */
  stored(index: number): { stream: string | undefined; seq: number | undefined } | undefined {
    return this.#sequences.get(index);
  }

  answered(index: number): boolean {
    return this.#answered.has(index);
  }

  /** Whether a delivery to a consumer that takes acks got none. */
  unacked(event: Extract<WireEvent, { kind: "delivery" }>): boolean {
    return this.#ackingConsumers.has(`${event.stream} ${event.consumer}`) && !this.#settled.has(event.index);
  }

  /** Whether a client that asks a consumer for messages never gets one. */
  inVain(event: Extract<WireEvent, { kind: "pull" }>): boolean {
    return !this.#served.has(served(event));
  }

  /** The first PING of a connection belongs to its start. */
  firstPing(connection: number): boolean {
    const first = !this.#greeted.has(connection);
    this.#greeted.add(connection);
    return first;
  }
}

/** The subject to which the server reports of this message (ADR-41). */
const traceSubjectOf = ({ headers }: Extract<WireEvent, { kind: "publish" }>) => headers?.["Nats-Trace-Dest"];

const served = (of: { client?: string; stream: string; consumer: string }) =>
  `${of.client} ${of.stream} ${of.consumer}`;

function shaped(event: WireEvent, lanes: Lanes, run: Run): Moment | undefined {
  const client = lanes.client(event);
  const base = {
    at: event.at,
    detail: describe(event),
    fate: "arrives",
    tone: "plain",
    matters: false,
    message: undefined,
  } as const;
  const says = (label: string, sort: string, many: string, more: Partial<Moment> = {}) => ({
    label,
    sort,
    many,
    ...more,
  });
  const arrow = (
    from: number | undefined,
    to: number | undefined,
    words: ReturnType<typeof says>,
  ): Moment | undefined =>
    from === undefined || to === undefined ? undefined : { ...base, shape: "arrow", from, to, ...words };
  const mark = (lane: number | undefined, words: ReturnType<typeof says>): Moment | undefined =>
    lane === undefined ? undefined : { ...base, shape: "mark", from: lane, to: lane, ...words };
  const band = (words: ReturnType<typeof says>): Moment => ({
    ...base,
    shape: "band",
    from: 0,
    to: lanes.list.length - 1,
    ...words,
  });

  switch (event.kind) {
    case "info":
    case "ping":
      if (event.kind === "info")
        return event.lameDuck
          ? band(says("server is shutting down", "shutdown", "notices", { tone: "warn", matters: true }))
          : undefined;
      // Clients ping now and then; before a message is lost or not, a flush is the point of the story.
      if (event.direction !== "toServer" || run.jetstream || run.firstPing(event.connection ?? 0))
        return undefined;
      return arrow(client, lanes.server(), says("flush: PING", "ping", "PINGs", { tone: "muted" }));
    case "pong":
      if (event.direction !== "toClient" || run.jetstream || event.kept === undefined) return undefined;
      return arrow(lanes.server(), client, says("PONG", "pong", "PONGs", { tone: "muted" }));
    case "dial":
      if (event.accepted) return undefined;
      return mark(
        lanes.server(),
        says("connection refused", "refused", "refused connections", { tone: "bad", matters: true }),
      );
    case "connect":
      return mark(
        client,
        says("connects", `connect ${client}`, "connects", { tone: "muted", ...turns("up", client) }),
      );
    case "disconnect": {
      // The fault itself has a line.
      if (event.by === "fault") return undefined;
      const ordinary = event.by === "kill" || (event.by === "client" && event.how === "end");
      const label =
        event.by === "kill"
          ? "connection is gone"
          : event.by === "server"
            ? "loses its connection"
            : ordinary
              ? "closes its connection"
              : "breaks its connection off";
      return mark(
        client,
        says(label, `disconnect ${client}`, "disconnects", {
          tone: ordinary ? "muted" : "bad",
          matters: !ordinary,
          ...turns("down", client),
        }),
      );
    }
    case "publish": {
      const stored = run.stored(event.index);
      const waits = event.reply !== undefined && !run.answered(event.index);
      const asks = event.reply !== undefined && stored === undefined && !run.toStream(event);
      const what = event.answers !== undefined ? "answer" : asks ? "request" : "publish";
      // Whom an answer goes to is a random inbox.
      const about = what === "answer" ? run.quote(event.text, event.size, "") : run.subjectAnd(event);
      const to = stored?.stream === undefined ? lanes.subject(event.subject) : lanes.stream(stored.stream);
      return arrow(
        client,
        to,
        says(
          `${what} ${about}${traceSubjectOf(event) ? ", to be traced" : ""}${waits ? ", never answered" : ""}`.trimEnd(),
          `publish ${client} ${what}`,
          { publish: "publishes", request: "requests", answer: "answers" }[what],
          {
            tone: waits ? "bad" : "plain",
            matters: waits,
            message: key(stored?.stream, stored?.seq),
            detail: `${base.detail}${waits ? ", never answered" : ""}`,
          },
        ),
      );
    }
    case "puback": {
      const from = lanes.stream(event.stream);
      if (!event.ok)
        return arrow(
          from,
          client,
          says(`refused: ${event.error}`, "refusal", "refusals", { tone: "bad", matters: true }),
        );
      const stored = event.seq === undefined ? "stored" : `stored as ${event.seq}`;
      const label = event.duplicate ? `duplicate of ${event.seq}` : stored;
      return arrow(
        from,
        client,
        says(label, event.duplicate ? "duplicate" : "puback", event.duplicate ? "duplicates" : "PubAcks", {
          tone: event.duplicate ? "warn" : "good",
          matters: event.duplicate,
          message: key(event.stream, event.seq),
        }),
      );
    }
    case "delivery": {
      const again = event.deliveryCount > 1;
      const unacked = run.unacked(event);
      const label = again
        ? `${run.quote(event.text, event.size, event.subject)} again, delivery ${event.deliveryCount}`
        : `${run.quote(event.text, event.size, event.subject)}, sequence ${event.streamSeq}`;
      return arrow(
        lanes.consumer(event),
        client,
        says(
          `${label}${unacked ? ", no ack" : ""}`,
          again ? `redelivery ${client}` : `delivery ${client} ${unacked}`,
          again ? "redeliveries" : unacked ? "deliveries without ack" : "deliveries",
          {
            tone: again || unacked ? "warn" : "plain",
            matters: again || unacked,
            message: key(event.stream, event.streamSeq),
            detail: `${base.detail}${unacked ? ", never acked" : ""}`,
          },
        ),
      );
    }
    case "ack":
    case "nak":
    case "term":
    case "inProgress": {
      const what = { ack: "ack", nak: "nak", term: "term", inProgress: "in progress" }[event.kind];
      const which = event.text === undefined ? `sequence ${event.streamSeq}` : run.short(event.text);
      const tail =
        event.delayMs !== undefined
          ? `, again in ${event.delayMs} ms`
          : event.reason
            ? `: ${event.reason}`
            : "";
      return arrow(
        client,
        lanes.consumer(event),
        says(
          `${what} ${which}${tail}`,
          `${event.kind} ${client}`,
          event.kind === "inProgress" ? "signs of progress" : `${event.kind}s`,
          {
            tone: event.kind === "ack" ? "good" : event.kind === "inProgress" ? "plain" : "warn",
            matters: event.kind === "nak" || event.kind === "term",
            message: key(event.stream, event.streamSeq),
          },
        ),
      );
    }
    case "message":
      return arrow(
        lanes.subject(event.subject),
        client,
        says(
          run.takesReports(event.subject) ? "report of the trace" : run.subjectAnd(event),
          `message ${client}`,
          "messages",
        ),
      );
    case "reply":
      if (event.asked.startsWith("$JS.ACK")) return undefined;
      return arrow(
        lanes.server(),
        client,
        says(`reply ${run.quote(event.text, event.size, "")}`.trim(), `reply ${client}`, "replies", {
          tone: "good",
        }),
      );
    case "subscribe":
      if (isHidden(event.subject) && !run.takesReports(event.subject)) return undefined;
      return arrow(
        client,
        lanes.server(),
        says(
          `subscribe ${run.takesReports(event.subject) ? "to the trace" : event.subject}${event.queue === undefined ? "" : `, queue ${event.queue}`}`,
          `subscribe ${client}`,
          "subscriptions",
          { tone: "muted" },
        ),
      );
    case "unsubscribe":
      if (event.subject === undefined || isHidden(event.subject)) return undefined;
      if (run.endsAgain(event)) return undefined;
      return arrow(
        client,
        lanes.server(),
        says(`unsubscribe ${event.subject}`, `unsubscribe ${client}`, "unsubscribes", { tone: "muted" }),
      );
    case "pull": {
      const inVain = run.inVain(event);
      return arrow(
        client,
        lanes.consumer(event),
        says(
          `pull up to ${event.batch}${inVain ? ", gets nothing" : ""}`,
          `pull ${client}`,
          "pull requests",
          inVain ? { tone: "warn", detail: `${base.detail}, gets nothing` } : { tone: "muted" },
        ),
      );
    }
    case "status": {
      if (event.code === 100) return undefined;
      const from =
        event.stream === undefined || event.consumer === undefined
          ? lanes.server()
          : lanes.consumer({ stream: event.stream, consumer: event.consumer });
      const bad = event.code !== 404 && event.code !== 408;
      const label = event.code === 503 ? "503: nobody is there" : `${event.code} ${event.description}`;
      return arrow(
        from,
        client,
        says(label, `status ${event.code}`, `statuses ${event.code}`, {
          tone: bad ? "bad" : "muted",
          matters: bad,
        }),
      );
    }
    case "api":
      if (run.answered(event.index)) return undefined;
      return arrow(
        client,
        lanes.api(event),
        says(`${called(event, lanes)}, never answered`, "api", "API calls", {
          tone: "bad",
          matters: true,
        }),
      );
    case "apiReply": {
      if (event.ok && !/CREATE|UPDATE|DELETE|PURGE|STEPDOWN|PAUSE|subscribe|close/.test(event.call))
        return undefined;
      const label = called(event, lanes);
      if (!event.ok)
        return arrow(
          lanes.api(event),
          client,
          says(`${label}: ${event.error}`, "api refused", "refused API calls", {
            tone: "bad",
            matters: true,
          }),
        );
      return arrow(client, lanes.api(event), says(label, "api", "API calls", { tone: "muted" }));
    }
    case "error":
      return arrow(
        lanes.server(),
        client,
        says(
          event.denied ? `denied: ${event.denied.operation} ${event.denied.subject}` : `error: ${event.text}`,
          `error ${client}`,
          "errors",
          { tone: "bad", matters: true },
        ),
      );
    case "unreadable":
      return mark(
        client,
        says(
          event.reason === "tls" ? "encrypted from here on" : "not readable from here on",
          "unreadable",
          "unreadable connections",
          { tone: "warn", matters: true },
        ),
      );
    case "server":
      return band(
        says(base.detail, `server ${event.what}`, "server events", {
          tone: serverTones[event.what],
          matters: true,
          ...(event.inCluster ? {} : turns(serverTurns[event.what], ...lanes.withoutClients())),
        }),
      );
    case "program": {
      const lane = lanes.named(event.client ?? event.name);
      const tone = event.what === "killed" || event.what === "frozen" ? "bad" : "muted";
      const words = says(
        lane === undefined
          ? base.detail
          : `${event.what}${event.detail === undefined ? "" : ` (${event.detail})`}`,
        `program ${event.what}`,
        "program events",
        { tone, matters: tone === "bad", ...turns(programTurns[event.what], lane) },
      );
      return lane === undefined ? band(words) : mark(lane, words);
    }
    case "fault": {
      const freed = run.freed(event.index);
      const label =
        freed > 0
          ? `${base.detail}, ${freed === 1 ? "1 message goes" : `${freed} messages go`} on`
          : base.detail;
      return band(
        says(label, `fault ${event.what}`, "faults", {
          tone: event.what === "release" ? "good" : "bad",
          matters: true,
          ...(event.what === "cut"
            ? turns("down", ...(event.who === undefined ? lanes.clients() : [lanes.named(event.who)]))
            : {}),
        }),
      );
    }
    case "note":
      return band(says(event.text, "note", "notes"));
  }
}

/** Where a client of NATS or of NATS Streaming gets its answers: no news to a reader. */
const isHidden = (subject: string) => /^(_INBOX|_STAN)\./.test(subject);

const serverTones = {
  started: "muted",
  stopped: "bad",
  killed: "bad",
  paused: "bad",
  resumed: "good",
  restarted: "good",
  stepdown: "warn",
} as const;

/** A kill is for good; what is frozen can thaw, and is drawn as gone meanwhile all the same. */
const serverTurns = {
  started: "up",
  stopped: "down",
  killed: "down",
  paused: "down",
  resumed: "up",
  restarted: "up",
  stepdown: undefined,
} as const;

const programTurns = {
  started: undefined,
  killed: "down",
  frozen: "down",
  resumed: "up",
  "told to stop": undefined,
  called: undefined,
  exited: "down",
} as const;

function turns(to: "up" | "down" | undefined, ...lanes: (number | undefined)[]): Pick<Moment, "turns"> {
  if (to === undefined) return {};
  return { turns: { to, lanes: lanes.filter((lane) => lane !== undefined) } };
}

function key(stream: string | undefined, seq: number | undefined): string | undefined {
  return stream === undefined || seq === undefined ? undefined : `${stream} ${seq}`;
}

/** An API call by its name, and what it is about. */
function called(event: { call: string; about: readonly string[] }, lanes: Lanes): string {
  const [stream = "", consumer, ...rest] = event.about;
  if (!event.call.startsWith("CONSUMER") || consumer === undefined)
    return `${event.call} ${event.about.join(" ")}`.trim();
  return [event.call, stream, lanes.consumerTitle({ stream, consumer }), ...rest].join(" ");
}

const carriesMessage = new Set<WireEvent["kind"]>([
  ...(["publish", "puback", "delivery", "message", "reply", "status"] as const),
  ...(["ack", "nak", "term", "inProgress"] as const),
]);

/** Characters of JSON that a label has room for. */
const jsonLength = 20;

function cut(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

/** Of an id that is made of chance its beginning is enough to tell it from another. */
function shortId(id: string): string {
  return /^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9A-Z]{22})$/i.test(id)
    ? `${id.slice(0, 8)}…`
    : cut(id, jsonLength);
}

/** JSON without what makes it longer. */
function bare(json: string): string {
  return json.replace(/["\s]+/g, "");
}

function objectOf(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Keys that stand with one and the same value in every JSON object of the run, where there are several. */
function sameInAll(events: readonly WireEvent[]): Set<string> {
  const texts = new Set<string>();
  for (const event of events) if ("text" in event && event.text?.startsWith("{")) texts.add(event.text);
  const values = new Map<string, Set<string>>();
  for (const text of texts)
    for (const [key, value] of Object.entries(objectOf(text) ?? {}))
      values.set(key, (values.get(key) ?? new Set()).add(JSON.stringify(value)));
  return new Set([...values].filter(([, seen]) => texts.size > 1 && seen.size === 1).map(([key]) => key));
}
