// Mistake: stream-is-a-queue
// Fails: the stream takes the scans of every depot, and nothing else
// Scans that nobody wants need not be kept.
import { DiscardPolicy, type NatsConnection, type NatsError, nanos, RetentionPolicy } from "nats";
import type { Limits } from "../solution.ts";

export { record } from "../solution.ts";

export async function prepare(nc: NatsConnection, limits: Limits): Promise<void> {
  const manager = await nc.jetstreamManager();
  const config = {
    subjects: ["parcel.*.in", "parcel.*.out"],
    retention: RetentionPolicy.Interest,
    discard: DiscardPolicy.New,
    max_msgs: limits.maxScans,
    max_age: nanos(limits.keepMs),
  };
  try {
    await manager.streams.add({ name: "SCANS", ...config });
  } catch (error) {
    if ((error as NatsError).api_error?.err_code !== 10058) throw error;
    await manager.streams.update("SCANS", config);
  }
}
