// Mistake: memory-is-enough
// Fails: after a power failure every confirmed scan is there
// Memory is faster, and a stream stores what it is given.
import { DiscardPolicy, type NatsConnection, type NatsError, nanos, StorageType } from "nats";
import type { Limits } from "../solution.ts";

export { record } from "../solution.ts";

export async function prepare(nc: NatsConnection, limits: Limits): Promise<void> {
  const manager = await nc.jetstreamManager();
  const config = {
    subjects: ["parcel.*.in", "parcel.*.out"],
    storage: StorageType.Memory,
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
