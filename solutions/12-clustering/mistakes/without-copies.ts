// Mistake: a-cluster-copies-all
// Fails: a new stream has all its scans when a node is gone
// The hub is a cluster, so the stream is on all of its nodes.
import { setTimeout as sleep } from "node:timers/promises";
import type { NatsConnection } from "nats";

export { store, work } from "../solution.ts";

export async function createScans(nc: NatsConnection): Promise<void> {
  const { streams } = await nc.jetstreamManager();
  const settings = { subjects: ["parcel.*.*"], num_replicas: 3 };
  if (!(await streams.names().next()).includes("SCANS")) {
    await streams.add({ name: "SCANS", subjects: settings.subjects });
    return;
  }
  await streams.update("SCANS", settings);
  for (;;) {
    const { cluster } = await streams.info("SCANS");
    const followers = cluster?.replicas ?? [];
    if (
      cluster?.leader &&
      followers.length === 2 &&
      followers.every(({ current, active }) => current && active > 0)
    )
      return;
    await sleep(100);
  }
}
