// Mistake: an-event-of-a-stream-is-storage
// Fails: a stream that refuses a message is told in the server's words
// The event names a stream, so the message is there.
import { createInbox, headers, type NatsConnection } from "nats";
import type { Route, TraceEvent } from "../solution.ts";

export { findings, passes, saveContext } from "../solution.ts";

export async function traceMessage(nc: NatsConnection, subject: string, payload: string): Promise<Route> {
  const dest = createInbox();
  const reports = nc.subscribe(dest, { max: 1, timeout: 5_000 });
  const wish = headers();
  wish.set("Nats-Trace-Dest", dest);
  nc.publish(subject, payload, { headers: wish });
  const route: Route = { subject, receivers: [], consumers: {} };
  for await (const report of reports) {
    for (const { type, to, stream, name } of report.json<{ events: TraceEvent[] }>().events) {
      if (type === "sm" && to) route.subject = to;
      if (type === "js" && stream) route.stream = stream;
      if (type === "eg" && name) route.receivers.push(name);
    }
  }
  return route;
}
