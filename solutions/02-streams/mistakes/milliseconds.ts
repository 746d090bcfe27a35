// Mistake: milliseconds-for-nanoseconds
// Fails: a new start brings new limits, and loses no scan
// Every other time in JavaScript is in milliseconds, and the server does not complain.
import { DiscardPolicy, type NatsConnection, type NatsError } from "nats";
import type { Limits } from "../solution.ts";

export { record } from "../solution.ts";

export async function prepare(nc: NatsConnection, limits: Limits): Promise<void> {
  const manager = await nc.jetstreamManager();
  const config = {
    subjects: ["parcel.*.in", "parcel.*.out"],
    discard: DiscardPolicy.New,
    max_msgs: limits.maxScans,
    max_age: limits.keepMs,
  };
  try {
    await manager.streams.add({ name: "SCANS", ...config });
  } catch (error) {
    if ((error as NatsError).api_error?.err_code !== 10058) throw error;
    await manager.streams.update("SCANS", config);
  }
}
