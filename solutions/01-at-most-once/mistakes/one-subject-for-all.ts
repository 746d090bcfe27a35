// Mistake: subject-is-one-word
// Fails: every scan is sent before the terminal is switched off
// The event is in the payload already, so it seems needless in the subject.
import { type ConnectionOptions, connect } from "nats";
import type { Scan } from "../solution.ts";

export { ask, watch } from "../solution.ts";

export async function report(options: ConnectionOptions, depot: string, scans: Scan[]): Promise<void> {
  const nc = await connect(options);
  for (const scan of scans) {
    nc.publish(`parcel.${depot}`, JSON.stringify(scan));
  }
  await nc.drain();
}
