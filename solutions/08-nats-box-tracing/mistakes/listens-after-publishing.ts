// Mistake: report-waits-for-me
// Fails: a trace tells which stream, subscribers and consumers a message reached
// First the message, then the report about it: in the order in which they happen.
import { createInbox, headers, type NatsConnection } from "nats";
import type { Route, TraceEvent } from "../solution.ts";

export { findings, passes, saveContext } from "../solution.ts";

export async function traceMessage(nc: NatsConnection, subject: string, payload: string): Promise<Route> {
  const dest = createInbox();
  const wish = headers();
  wish.set("Nats-Trace-Dest", dest);
  nc.publish(subject, payload, { headers: wish });
  await nc.flush();
  const route: Route = { subject, receivers: [], consumers: {} };
  for await (const report of nc.subscribe(dest, { max: 1, timeout: 3_000 })) {
    for (const { type, to, stream, error, name } of report.json<{ events: TraceEvent[] }>().events) {
      if (type === "sm" && to) route.subject = to;
      if (type === "js" && stream && !error) route.stream = stream;
      if (type === "js" && error) route.refused = error;
      if (type === "eg" && name) route.receivers.push(name);
    }
  }
  return route;
}
