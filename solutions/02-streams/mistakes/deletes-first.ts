// Mistake: delete-to-change
// Fails: a new start brings new limits, and loses no scan
// A clean start each time: then the settings are surely the right ones. It comes from test code.
import { DiscardPolicy, type NatsConnection, nanos } from "nats";
import type { Limits } from "../solution.ts";

export { record } from "../solution.ts";

export async function prepare(nc: NatsConnection, limits: Limits): Promise<void> {
  const manager = await nc.jetstreamManager();
  try {
    await manager.streams.delete("SCANS");
  } catch {
    // It was not there.
  }
  await manager.streams.add({
    name: "SCANS",
    subjects: ["parcel.*.in", "parcel.*.out"],
    discard: DiscardPolicy.New,
    max_msgs: limits.maxScans,
    max_age: nanos(limits.keepMs),
  });
}
