// Mistake: subject-is-what-i-published
// Fails: a trace tells which stream, subscribers and consumers a message reached
// The subject is known: it was an argument.
import type { NatsConnection } from "nats";
import { type Route, traceMessage as trace } from "../solution.ts";

export { findings, passes, saveContext } from "../solution.ts";

export async function traceMessage(nc: NatsConnection, subject: string, payload: string): Promise<Route> {
  return { ...(await trace(nc, subject, payload)), subject };
}
