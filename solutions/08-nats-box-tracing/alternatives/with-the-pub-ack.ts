// Takes the sequence from the stream's own answer, and reads the report in a callback.
import { createInbox, headers, type NatsConnection, type PubAck } from "nats";
import { passes, type Route, type TraceEvent } from "../solution.ts";

export { findings, passes } from "../solution.ts";

export async function traceMessage(nc: NatsConnection, subject: string, payload: string): Promise<Route> {
  const dest = createInbox();
  const reply = createInbox();
  const events = new Promise<TraceEvent[]>((resolve, reject) => {
    nc.subscribe(dest, {
      max: 1,
      timeout: 5_000,
      callback: (error, report) =>
        error ? reject(error) : resolve(report.json<{ events: TraceEvent[] }>().events),
    });
  });
  const stored = new Promise<PubAck>((resolve) => {
    nc.subscribe(reply, {
      callback: (_, answer) => {
        // A service may answer, too; and where there is nobody, the server says so without a payload.
        if (answer.data.length === 0) return;
        const ack = answer.json<PubAck>();
        if (ack.stream && ack.seq) resolve(ack);
      },
    });
  });
  const wish = headers();
  wish.append("Nats-Trace-Dest", dest);
  nc.publish(subject, payload, { headers: wish, reply });

  const route: Route = { subject, receivers: [], consumers: {} };
  for (const event of await events) {
    if (event.type === "sm" && event.to) route.subject = event.to;
    if (event.type === "js" && event.error) route.refused = event.error;
    else if (event.type === "js" && event.stream) route.stream = event.stream;
    if (event.type === "eg" && event.name) route.receivers.push(event.name);
  }
  route.receivers.sort();
  if (!route.stream) return route;
  const { stream, seq } = await stored;
  const jsm = await nc.jetstreamManager();
  for await (const { name } of jsm.consumers.list(stream)) {
    let state: Route["consumers"][string] | undefined;
    for (let i = 0; state === undefined; i++) {
      const info = await jsm.consumers.info(stream, name);
      const { filter_subject, filter_subjects = [filter_subject ?? ">"], max_ack_pending = 0 } = info.config;
      if (!filter_subjects.some((filter) => passes(filter, route.subject))) state = "filtered";
      else if (info.delivered.stream_seq >= seq) state = "delivered";
      else if (max_ack_pending > 0 && info.num_ack_pending >= max_ack_pending) state = "full";
      else if (info.num_waiting === 0 || i > 1_000) state = "waiting";
    }
    route.consumers[name] = state;
  }
  return route;
}

/** The password stands in the address. */
export function saveContext(name: string, server: string, user: string, password: string): string[] {
  const url = new URL(server);
  url.username = user;
  url.password = password;
  return ["context", "add", name, "--server", url.href, "--select"];
}
