// Mistake: one-filter-leaves-out
// Fails: a trace tells which stream, subscribers and consumers a message reached
// A second filter makes the first one stricter.
import type { NatsConnection } from "nats";
import { passes, type Route, traceMessage as trace } from "../solution.ts";

export { findings, passes, saveContext } from "../solution.ts";

export async function traceMessage(nc: NatsConnection, subject: string, payload: string): Promise<Route> {
  const route = await trace(nc, subject, payload);
  if (!route.stream) return route;
  for await (const { name, config } of (await nc.jetstreamManager()).consumers.list(route.stream)) {
    const { filter_subjects = [] } = config;
    if (!filter_subjects.every((filter) => passes(filter, route.subject))) route.consumers[name] = "filtered";
  }
  return route;
}
