// Lesson 08, tracing: what is wrong in the carrier's system, a program that follows a message, and a context for the nats CLI.
//
// Start your lab in another terminal: npm run lab lesson-08. Leave it running, and look around with: npm run nats -- stream report
//
// Write the three functions. What each one promises stands above it. A connection is given to you: leave it open.
// With npm start open, each save is graded; npm run check lesson-08 grades once.
import type { NatsConnection } from "nats";

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
  throw new Error("findings is still to be written");
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
  throw new Error("traceMessage is still to be written");
}

/**
 * The arguments of the nats CLI, without `nats` itself, that save a context: under this name, for this server, user and password, and
 * selected, so that the commands after it need no flags. For example `["context", "ls"]` lists contexts. A password may hold spaces.
 */
export function saveContext(name: string, server: string, user: string, password: string): string[] {
  throw new Error("saveContext is still to be written");
}
