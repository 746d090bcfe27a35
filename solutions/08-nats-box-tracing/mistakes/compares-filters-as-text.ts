// Mistake: a-filter-is-a-subject
// Fails: a trace tells which stream, subscribers and consumers a message reached
// The consumer has a list of subjects; a message is for it when its subject is in there.
import type { NatsConnection } from "nats";
import { type Route, traceMessage as trace } from "../solution.ts";

export { findings, passes, saveContext } from "../solution.ts";

export async function traceMessage(nc: NatsConnection, subject: string, payload: string): Promise<Route> {
  const route = await trace(nc, subject, payload);
  if (!route.stream) return route;
  for await (const { name, config } of (await nc.jetstreamManager()).consumers.list(route.stream)) {
    const { filter_subject, filter_subjects = filter_subject ? [filter_subject] : [] } = config;
    if (filter_subjects.length > 0 && !filter_subjects.includes(route.subject))
      route.consumers[name] = "filtered";
  }
  return route;
}
