// Mistake: window-too-short
// Fails: the stream remembers as long as a scanner may be away
// The scans have message ids, so the stream will know them.
import type { NatsConnection } from "nats";

export { claim, keepLedger, record } from "../solution.ts";

export async function createScans(nc: NatsConnection, _offlineHours: number): Promise<void> {
  const jsm = await nc.jetstreamManager();
  await jsm.streams.add({
    name: "SCANS",
    subjects: ["parcel.*.*"],
  });
}
