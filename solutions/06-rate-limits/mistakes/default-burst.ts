// Mistake: rate-holds-from-the-start
// Fails: labels reach the printer no faster than its line
// The rate is right. What else could let a megabyte through at once?
import { AckPolicy, type NatsConnection } from "nats";
import type { Line } from "../solution.ts";

export { runCustoms, upload } from "../solution.ts";

export async function openPrinter(nc: NatsConnection, line: Line): Promise<void> {
  const manager = await nc.jetstreamManager();
  await manager.streams.add({
    name: "LABELS",
    subjects: ["label.>"],
  });
  await manager.consumers.add("LABELS", {
    durable_name: "printer",
    deliver_subject: line.subject,
    ack_policy: AckPolicy.None,
    rate_limit_bps: line.bytesPerSecond * 8,
  });
}
