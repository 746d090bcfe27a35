// Mistake: the-next-one-goes-there-too
// Fails: a trace tells which stream, subscribers and consumers a message reached
// First the question where it would go, which does no harm; then the message.
import { createInbox, headers, type NatsConnection, NatsError } from "nats";
import { passes, type Route, type TraceEvent } from "../solution.ts";

export { findings, passes, saveContext } from "../solution.ts";

export async function traceMessage(nc: NatsConnection, subject: string, payload: string): Promise<Route> {
  const dest = createInbox();
  const reports = nc.subscribe(dest, { max: 1, timeout: 15_000 });
  const wish = headers();
  wish.set("Nats-Trace-Dest", dest);
  wish.set("Nats-Trace-Only", "true");
  nc.publish(subject, payload, { headers: wish });
  const route: Route = { subject, receivers: [], consumers: {} };
  let stream: string | undefined;
  for await (const report of reports) {
    for (const event of report.json<{ events: TraceEvent[] }>().events) {
      if (event.type === "sm" && event.to) route.subject = event.to;
      if (event.type === "js") stream = event.stream;
      if (event.type === "eg" && event.name) route.receivers.push(event.name);
    }
  }
  route.receivers.sort();

  if (!stream) {
    nc.publish(subject, payload);
    await nc.flush();
    return route;
  }
  let seq: number;
  try {
    ({ seq } = await nc.jetstream({ timeout: 15_000 }).publish(subject, payload));
  } catch (error) {
    if (!(error instanceof NatsError) || !error.api_error) throw error;
    return { ...route, refused: error.api_error.description };
  }
  route.stream = stream;
  const jsm = await nc.jetstreamManager({ timeout: 15_000 });
  for await (const { name } of jsm.consumers.list(stream)) {
    for (let i = 0; !route.consumers[name]; i++) {
      const { config, delivered, num_ack_pending, num_waiting } = await jsm.consumers.info(stream, name);
      const { filter_subject, filter_subjects = [filter_subject ?? ">"], max_ack_pending = 0 } = config;
      if (!filter_subjects.some((filter) => passes(filter, route.subject)))
        route.consumers[name] = "filtered";
      else if (delivered.stream_seq >= seq) route.consumers[name] = "delivered";
      else if (max_ack_pending > 0 && num_ack_pending >= max_ack_pending) route.consumers[name] = "full";
      else if (num_waiting === 0 || i > 1_000) route.consumers[name] = "waiting";
    }
  }
  return route;
}
