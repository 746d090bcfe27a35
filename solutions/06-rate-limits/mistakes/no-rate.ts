// Mistake: push-waits-for-the-printer
// Fails: labels reach the printer no faster than its line
// Flow control is there to protect a slow receiver, so it seems to be what a slow printer needs.
import { AckPolicy, type NatsConnection, nanos } from "nats";
import type { Line } from "../solution.ts";

export { runCustoms, upload } from "../solution.ts";

export async function openPrinter(nc: NatsConnection, line: Line): Promise<void> {
  const manager = await nc.jetstreamManager();
  await manager.streams.add({
    name: "LABELS",
    subjects: ["label.>"],
    max_msg_size: line.largestLabel + 256,
  });
  await manager.consumers.add("LABELS", {
    durable_name: "printer",
    deliver_subject: line.subject,
    ack_policy: AckPolicy.Explicit,
    flow_control: true,
    idle_heartbeat: nanos(5_000),
  });
}
