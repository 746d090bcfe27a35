// Mistake: publish-means-sent
// Fails: every scan is sent before the terminal is switched off
// drain() is the right call, but nothing waits for it.
import { type ConnectionOptions, connect } from "nats";
import type { Scan } from "../solution.ts";

export { ask, watch } from "../solution.ts";

export async function report(options: ConnectionOptions, depot: string, scans: Scan[]): Promise<void> {
  const nc = await connect(options);
  for (const scan of scans) {
    nc.publish(`parcel.${depot}.${scan.event}`, JSON.stringify(scan));
  }
  nc.drain();
}
