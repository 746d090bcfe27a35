// Mistake: copies-instead-of-a-disk
// Fails: a new stream has all its scans when a node is gone
// Three copies are safe; memory is faster.
import { setTimeout as sleep } from "node:timers/promises";
import { type NatsConnection, NatsError, StorageType } from "nats";

export { store, work } from "../solution.ts";

export async function createScans(nc: NatsConnection): Promise<void> {
  const { streams } = await nc.jetstreamManager();
  const settings = { subjects: ["parcel.*.*"], num_replicas: 3 };
  const nameInUse = 10058;
  try {
    await streams.add({ name: "SCANS", ...settings, storage: StorageType.Memory });
  } catch (error) {
    if (!(error instanceof NatsError) || error.api_error?.err_code !== nameInUse) throw error;
    await streams.update("SCANS", settings);
  }
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
