// Mistake: create-changes
// Fails: a new start brings new limits, and loses no scan
// The first start works, and so does every start after it, until the limits change.
import { DiscardPolicy, type NatsConnection, nanos } from "nats";
import type { Limits } from "../solution.ts";

export { record } from "../solution.ts";

export async function prepare(nc: NatsConnection, limits: Limits): Promise<void> {
  const manager = await nc.jetstreamManager();
  await manager.streams.add({
    name: "SCANS",
    subjects: ["parcel.*.in", "parcel.*.out"],
    discard: DiscardPolicy.New,
    max_msgs: limits.maxScans,
    max_age: nanos(limits.keepMs),
  });
}
