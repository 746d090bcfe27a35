// Mistake: milliseconds-for-nanoseconds
// Fails: the stream remembers as long as a scanner may be away
// Every duration in JavaScript is in milliseconds, and the server does not object.
import type { NatsConnection } from "nats";

export { claim, keepLedger, record } from "../solution.ts";

export async function createScans(nc: NatsConnection, offlineHours: number): Promise<void> {
  const jsm = await nc.jetstreamManager();
  await jsm.streams.add({
    name: "SCANS",
    subjects: ["parcel.*.*"],
    duplicate_window: offlineHours * 60 * 60 * 1_000,
  });
}
