// Lesson 08, tracing: what is wrong in the carrier's system, a program that follows a message, and a context for the nats CLI.
//
// Start your lab in another terminal: npm run lab lesson-08. Leave it running, and look around with: npm run nats -- stream report
//
// Write the three functions. What each one promises stands above it. A connection is given to you: leave it open.
// BEGIN SOLUTION
// STARTER: // With npm start open, each save is graded; npm run check lesson-08 grades once.
// STARTER: import type { NatsConnection } from "nats";
import { createInbox, headers, type JetStreamManager, type NatsConnection } from "nats";
// END SOLUTION

/** What the customer says. */
export interface Complaint {
  /** The number of the parcel that is lost: `P-123456`. */
  parcel: string;
  /** The subject that its last message was sent on. */
  sentTo: string;
}

/** What you have found out. Leave out what you do not know yet. */
export interface Findings {
  /** The name of the server that you have looked at: `hub-` and a number. */
  hub: string;
  /** The consumer that gives out nothing any more, because too many messages are waiting for an ack. */
  stuck?: { stream: string; consumer: string };
  /** A subject that begins with `parcel.`, on which messages can be heard, and that no stream stores. */
  unstored?: string;
  /** The message that comes again and again, because its worker fails at it each time. */
  poison?: { stream: string; sequence: number };
  /** The stream that drops its oldest messages, although nobody is done with them. */
  dropping?: string;
  /** The member of the queue group `desks` that gets questions and answers none: the name of its connection. */
  silent?: string;
  /** Where the message about the lost parcel has come to. */
  lost?: { subject: string; stream: string };
}

/**
 * What is wrong in your lab. Find it with the nats CLI and write it down here, as values: you do not need the parameters for that. A
 * program that finds it by itself is right, too.
 *
 * The check plays the scene of your own lab again, and asks your function.
 */
export async function findings(nc: NatsConnection, complaint: Complaint): Promise<Findings> {
  // BEGIN SOLUTION
  // STARTER: throw new Error("findings is still to be written");
  const jsm = await nc.jetstreamManager({ timeout: 15_000 });
  const found: Findings = { hub: nc.info?.server_name ?? "" };
  for await (const { config, state } of jsm.streams.list()) {
    // A work queue's first messages go when they are acked; those of a full stream go because there is no room.
    if (state.messages === config.max_msgs && state.first_seq > 1) found.dropping = config.name;
    for await (const { name, num_ack_pending, config: consumer } of jsm.consumers.list(config.name)) {
      if (num_ack_pending === consumer.max_ack_pending) found.stuck = { stream: config.name, consumer: name };
    }
  }
  const [unstored, poison, silent, lost] = await Promise.allSettled([
    findUnstored(nc, jsm),
    findPoison(nc),
    findSilent(nc),
    // To look where a message goes it need not be sent: one more parcel would be lost.
    follow(nc, complaint.sentTo, "", { only: true }),
  ]);
  if (unstored.status === "fulfilled") found.unstored = unstored.value;
  if (poison.status === "fulfilled") found.poison = poison.value;
  if (silent.status === "fulfilled") found.silent = silent.value;
  const events = lost.status === "fulfilled" ? lost.value : [];
  const mapped = events.find(({ type }) => type === "sm")?.to;
  const stream = events.find(({ type }) => type === "js")?.stream;
  if (mapped && stream) found.lost = { subject: mapped, stream };
  return found;
  // END SOLUTION
}

/** One thing that happened to a message on its way, as the server tells it (ADR-41). */
export interface TraceEvent {
  /** `in`: it came in. `sm`: its subject was mapped. `js`: a stream looked at it. `eg`: it was sent to a connection. */
  type: "in" | "sm" | "js" | "eg" | "se" | "si";
  /** The name of the connection that it came from, or was sent to. */
  name?: string;
  /** Of a mapping: the new subject. */
  to?: string;
  /** Of a stream: its name. */
  stream?: string;
  /** Why it did not work. */
  error?: string;
}

/** Where a message has gone. */
export interface Route {
  /** The subject that it had in the end. */
  subject: string;
  /** The stream that stored it; absent when none did. */
  stream?: string;
  /** The server's own words, when a stream would have stored it, and refused. */
  refused?: string;
  /** The names of the connections that it was sent to, sorted. */
  receivers: string[];
  /**
   * Each consumer of the stream that stored it, by its name; none when no stream did. What comes first counts: its filters leave the
   * message out (`filtered`), it gave the message to somebody (`delivered`), it has too many messages without an ack (`full`), or nobody
   * asks it for one (`waiting`).
   */
  consumers: { [name: string]: "delivered" | "filtered" | "full" | "waiting" };
}

/** Whether a filter such as `parcel.*.scanned` lets a subject pass. Given to you, for `consumers`. */
export function passes(filter: string, subject: string): boolean {
  const wanted = filter.split(".");
  const tokens = subject.split(".");
  // `*` stands for one token; `>` stands at the end, for all that are left, and for one at least.
  const open = wanted.at(-1) === ">";
  if (open) wanted.pop();
  if (open ? tokens.length <= wanted.length : tokens.length !== wanted.length) return false;
  return wanted.every((token, i) => token === "*" || token === tokens[i]);
}

/**
 * Sends a message, and says where it went.
 *
 * - The message is really sent: streams store it, and subscribers get it. The trace is one of this very message.
 * - The server reports to the subject that stands in the header `Nats-Trace-Dest`: one message with a JSON document, whose `events` is
 *   a list of `TraceEvent`.
 * - A message that nobody wants has a route too: without a stream, receivers and consumers.
 */
export async function traceMessage(nc: NatsConnection, subject: string, payload: string): Promise<Route> {
  // BEGIN SOLUTION
  // STARTER: throw new Error("traceMessage is still to be written");
  const events = await follow(nc, subject, payload);
  const js = events.find(({ type }) => type === "js");
  const route: Route = {
    subject: events.find(({ type }) => type === "sm")?.to ?? subject,
    receivers: events
      .flatMap(({ type, name, error }) => (type === "eg" && name && !error ? [name] : []))
      .sort(),
    consumers: {},
  };
  if (js?.error) route.refused = js.error;
  else if (js?.stream) {
    route.stream = js.stream;
    route.consumers = await statesOf(
      await nc.jetstreamManager({ timeout: 15_000 }),
      js.stream,
      route.subject,
    );
  }
  return route;
  // END SOLUTION
}

/**
 * The arguments of the nats CLI, without `nats` itself, that save a context: under this name, for this server, user and password, and
 * selected, so that the commands after it need no flags. For example `["context", "ls"]` lists contexts. A password may hold spaces.
 */
export function saveContext(name: string, server: string, user: string, password: string): string[] {
  // BEGIN SOLUTION
  // STARTER: throw new Error("saveContext is still to be written");
  return [
    "context",
    "save",
    name,
    `--server=${server}`,
    `--user=${user}`,
    `--password=${password}`,
    "--select",
  ];
  // END SOLUTION
}
// BEGIN SOLUTION

/** Sends a message with the wish for a trace, and gives what the server tells. */
async function follow(
  nc: NatsConnection,
  subject: string,
  payload: string,
  { only = false, reply }: { only?: boolean; reply?: string } = {},
): Promise<TraceEvent[]> {
  const dest = createInbox();
  // Before the message: a report that nobody waits for is gone.
  const reports = nc.subscribe(dest, { max: 1, timeout: 15_000 });
  const wish = headers();
  wish.set("Nats-Trace-Dest", dest);
  if (only) wish.set("Nats-Trace-Only", "true");
  nc.publish(subject, payload, { headers: wish, ...(reply && { reply }) });
  for await (const report of reports) return report.json<{ events: TraceEvent[] }>().events;
  throw new Error("the connection was closed before the trace came");
}

/** What each consumer of the stream did with the last message of a subject. */
async function statesOf(jsm: JetStreamManager, stream: string, subject: string): Promise<Route["consumers"]> {
  const { seq } = await jsm.streams.getMessage(stream, { last_by_subj: subject });
  const states: Route["consumers"] = {};
  const end = Date.now() + 15_000;
  for await (const { name } of jsm.consumers.list(stream)) {
    for (;;) {
      const { config, delivered, num_ack_pending, num_waiting } = await jsm.consumers.info(stream, name);
      // A limit of -1 is none.
      const limit = config.max_ack_pending ?? -1;
      const filters = config.filter_subjects ?? (config.filter_subject ? [config.filter_subject] : []);
      if (filters.length > 0 && !filters.some((filter) => passes(filter, subject))) states[name] = "filtered";
      else if (delivered.stream_seq >= seq) states[name] = "delivered";
      else if (limit > 0 && num_ack_pending >= limit) states[name] = "full";
      // Somebody waits for it: it is on its way.
      else if (num_waiting > 0 && Date.now() < end) continue;
      else states[name] = "waiting";
      break;
    }
  }
  return states;
}

async function findUnstored(nc: NatsConnection, jsm: JetStreamManager): Promise<string> {
  const seen = new Set<string>();
  for await (const { subject } of nc.subscribe("parcel.>", { timeout: 15_000 })) {
    if (seen.has(subject)) continue;
    seen.add(subject);
    const stream = await jsm.streams.find(subject).catch(() => undefined);
    if (!stream) return subject;
  }
  throw new Error("all subjects are stored");
}

/** The server tells everybody who listens when a worker says no to a message. */
async function findPoison(nc: NatsConnection): Promise<{ stream: string; sequence: number }> {
  const refusals = nc.subscribe("$JS.EVENT.ADVISORY.CONSUMER.MSG_NAKED.>", { timeout: 15_000 });
  for await (const refusal of refusals) {
    const { stream, stream_seq } = refusal.json<{ stream: string; stream_seq: number }>();
    return { stream, sequence: stream_seq };
  }
  throw new Error("no message comes again");
}

/** The trace says who got a question; the answer says whether it was answered. */
async function findSilent(nc: NatsConnection): Promise<string> {
  const inbox = createInbox();
  const answered = new Set<string>();
  const answers = nc.subscribe(`${inbox}.*`, { callback: (_, { subject }) => void answered.add(subject) });
  const asked: { reply: string; desk: string }[] = [];
  const ask = async (reply: string) => {
    const events = await follow(nc, "rates.quote", "1 kg", { reply });
    const desk = events.find(({ type }) => type === "eg")?.name;
    if (desk) asked.push({ reply, desk });
  };
  await Promise.all(Array.from({ length: 30 }, (_, no) => ask(`${inbox}.${no}`)));
  const end = Date.now() + 15_000;
  while (Date.now() < end) {
    // The others answer sooner or later, however busy they are.
    const [silent, ...late] = new Set(
      asked.filter(({ reply }) => !answered.has(reply)).map(({ desk }) => desk),
    );
    if (silent && late.length === 0) {
      answers.unsubscribe();
      return silent;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("not exactly one desk is silent");
}
// END SOLUTION
