// Mistake: a-name-is-durable
// Fails: labels reach the printer no faster than its line
// It is to be named `printer`.
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
    name: "printer",
    deliver_subject: line.subject,
    ack_policy: AckPolicy.None,
    rate_limit_bps: line.bytesPerSecond * 8,
  });
}
