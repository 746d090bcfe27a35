// Mistake: there-is-one-already
// Fails: an old stream gets its copies, and they are complete
// A stream with this name is there: nothing is left to do.
import { setTimeout as sleep } from "node:timers/promises";
import { type NatsConnection, NatsError } from "nats";

export { store, work } from "../solution.ts";

export async function createScans(nc: NatsConnection): Promise<void> {
  const { streams } = await nc.jetstreamManager();
  const settings = { subjects: ["parcel.*.*"], num_replicas: 3 };
  const nameInUse = 10058;
  try {
    await streams.add({ name: "SCANS", ...settings });
  } catch (error) {
    if (!(error instanceof NatsError) || error.api_error?.err_code !== nameInUse) throw error;
    return;
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
