// Mistake: traced-is-stored
// Fails: a trace tells which stream, subscribers and consumers a message reached
// Copied from an example of message tracing, with both of its headers.
import { createInbox, headers, type NatsConnection } from "nats";
import type { Route, TraceEvent } from "../solution.ts";

export { findings, passes, saveContext } from "../solution.ts";

export async function traceMessage(nc: NatsConnection, subject: string, payload: string): Promise<Route> {
  const dest = createInbox();
  const reports = nc.subscribe(dest, { max: 1, timeout: 5_000 });
  const wish = headers();
  wish.set("Nats-Trace-Dest", dest);
  wish.set("Nats-Trace-Only", "true");
  nc.publish(subject, payload, { headers: wish });
  const route: Route = { subject, receivers: [], consumers: {} };
  for await (const report of reports) {
    for (const { type, to, stream, error, name } of report.json<{ events: TraceEvent[] }>().events) {
      if (type === "sm" && to) route.subject = to;
      if (type === "js" && stream && !error) route.stream = stream;
      if (type === "js" && error) route.refused = error;
      if (type === "eg" && name) route.receivers.push(name);
    }
  }
  return route;
}
