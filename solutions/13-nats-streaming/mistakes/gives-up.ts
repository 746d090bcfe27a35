// Mistake: the-client-tries-again
// Fails: a report is done when the server has it
// The client tries until it has an answer; when it says that there is none, that is final.
import type { Stan } from "node-nats-streaming";
import { channel, type Scan } from "../solution.ts";

export { clearScans, showBoard } from "../solution.ts";

export function report(hub: Stan, scan: Scan): Promise<void> {
  return new Promise((resolve, reject) => {
    hub.publish(channel, JSON.stringify(scan), (error) => (error ? reject(error) : resolve()));
  });
}
