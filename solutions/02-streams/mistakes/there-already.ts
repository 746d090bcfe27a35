// Mistake: create-changes
// Fails: a new start brings new limits, and loses no scan
// An error that says that the stream exists already is no error for someone who wants it to exist.
import { DiscardPolicy, type NatsConnection, nanos } from "nats";
import type { Limits } from "../solution.ts";

export { record } from "../solution.ts";

export async function prepare(nc: NatsConnection, limits: Limits): Promise<void> {
  const manager = await nc.jetstreamManager();
  try {
    await manager.streams.add({
      name: "SCANS",
      subjects: ["parcel.*.in", "parcel.*.out"],
      discard: DiscardPolicy.New,
      max_msgs: limits.maxScans,
      max_age: nanos(limits.keepMs),
    });
  } catch (error) {
    if (!(error as Error).message.includes("already in use")) throw error;
  }
}
