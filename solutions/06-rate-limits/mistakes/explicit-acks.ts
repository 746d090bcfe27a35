// Mistake: every-consumer-needs-acks
// Fails: labels reach the printer no faster than its line
// Explicit, as on every other consumer.
import { AckPolicy, type NatsConnection } from "nats";
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
    rate_limit_bps: line.bytesPerSecond * 8,
  });
}
