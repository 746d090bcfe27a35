// Mistake: signs-of-life-for-a-printer
// Fails: labels reach the printer no faster than its line
// On a quiet day the line must not look dead, so there is a heartbeat every ten seconds.
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
    ack_policy: AckPolicy.None,
    rate_limit_bps: line.bytesPerSecond * 8,
    idle_heartbeat: nanos(10_000),
  });
}
