// Mistake: publish-needs-a-listener
// Fails: a board that was switched off knows what it missed
// A request looks like a safer publish: it tells when something went wrong.
import { type ConnectionOptions, connect } from "nats";
import type { Scan } from "../solution.ts";

export { ask, watch } from "../solution.ts";

export async function report(options: ConnectionOptions, depot: string, scans: Scan[]): Promise<void> {
  const nc = await connect(options);
  for (const scan of scans) {
    await nc.request(`parcel.${depot}.${scan.event}`, JSON.stringify(scan), { timeout: 500 });
  }
  await nc.drain();
}
