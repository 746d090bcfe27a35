// Mistake: an-update-is-a-copy
// Fails: an old stream gets its copies, and they are complete
// The server has accepted the update, so it is done.
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
    await streams.update("SCANS", settings);
  }
}
