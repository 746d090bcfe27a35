// Mistake: publish-means-sent
// Fails: every scan is sent before the terminal is switched off
// publish() returns at once and throws nothing, so it looks done.
import { type ConnectionOptions, connect } from "nats";
import type { Scan } from "../solution.ts";

export { ask, watch } from "../solution.ts";

export async function report(options: ConnectionOptions, depot: string, scans: Scan[]): Promise<void> {
  const nc = await connect(options);
  for (const scan of scans) {
    nc.publish(`parcel.${depot}.${scan.event}`, JSON.stringify(scan));
  }
}
