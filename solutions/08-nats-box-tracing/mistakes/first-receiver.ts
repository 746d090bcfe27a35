// Mistake: one-receiver
// Fails: a trace tells which stream, subscribers and consumers a message reached
// The event of the type `eg` says who got it.
import type { NatsConnection } from "nats";
import { type Route, traceMessage as trace } from "../solution.ts";

export { findings, passes, saveContext } from "../solution.ts";

export async function traceMessage(nc: NatsConnection, subject: string, payload: string): Promise<Route> {
  const route = await trace(nc, subject, payload);
  return { ...route, receivers: route.receivers.slice(0, 1) };
}
