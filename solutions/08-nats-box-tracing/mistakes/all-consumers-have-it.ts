// Mistake: stored-is-delivered
// Fails: a trace tells which stream, subscribers and consumers a message reached
// The stream has it, and all these consumers belong to the stream.
import type { NatsConnection } from "nats";
import { type Route, traceMessage as trace } from "../solution.ts";

export { findings, passes, saveContext } from "../solution.ts";

export async function traceMessage(nc: NatsConnection, subject: string, payload: string): Promise<Route> {
  const route = await trace(nc, subject, payload);
  if (!route.stream) return route;
  for await (const { name } of (await nc.jetstreamManager()).consumers.list(route.stream)) {
    route.consumers[name] = "delivered";
  }
  return route;
}
