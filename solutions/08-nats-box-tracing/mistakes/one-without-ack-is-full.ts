// Mistake: held-is-full
// Fails: a trace tells which stream, subscribers and consumers a message reached
// The ack is what the consumer waits for, so it is full as long as one is missing.
import type { NatsConnection } from "nats";
import { type Route, traceMessage as trace } from "../solution.ts";

export { findings, passes, saveContext } from "../solution.ts";

export async function traceMessage(nc: NatsConnection, subject: string, payload: string): Promise<Route> {
  const route = await trace(nc, subject, payload);
  if (!route.stream) return route;
  for await (const { name, num_ack_pending } of (await nc.jetstreamManager()).consumers.list(route.stream)) {
    if (route.consumers[name] === "waiting" && num_ack_pending > 0) route.consumers[name] = "full";
  }
  return route;
}
