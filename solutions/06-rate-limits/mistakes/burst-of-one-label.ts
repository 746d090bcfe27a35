// Mistake: burst-is-the-payload
// Fails: labels reach the printer no faster than its line
// The largest label has so many bytes, so that is the largest message.
import { AckPolicy, type NatsConnection } from "nats";
import type { Line } from "../solution.ts";

export { runCustoms, upload } from "../solution.ts";

export async function openPrinter(nc: NatsConnection, line: Line): Promise<void> {
  const manager = await nc.jetstreamManager();
  await manager.streams.add({
    name: "LABELS",
    subjects: ["label.>"],
    max_msg_size: line.largestLabel,
  });
  await manager.consumers.add("LABELS", {
    durable_name: "printer",
    deliver_subject: line.subject,
    ack_policy: AckPolicy.None,
    rate_limit_bps: line.bytesPerSecond * 8,
  });
}
