// Mistake: publish-means-sent
// Fails: every scan is sent before the terminal is switched off
// It waits for drain(), but not for long: half a second has always been enough.
import { setTimeout as sleep } from "node:timers/promises";
import { type ConnectionOptions, connect } from "nats";
import type { Scan } from "../solution.ts";

export { ask, watch } from "../solution.ts";

export async function report(options: ConnectionOptions, depot: string, scans: Scan[]): Promise<void> {
  const nc = await connect(options);
  for (const scan of scans) {
    nc.publish(`parcel.${depot}.${scan.event}`, JSON.stringify(scan));
  }
  await Promise.race([nc.drain(), sleep(500)]);
}
