// Mistake: sent-is-stored
// Fails: a report is done when the server has it
// `publish` has given back an id, so the server has the message.
import type { Stan } from "node-nats-streaming";
import { channel, type Scan } from "../solution.ts";

export { clearScans, showBoard } from "../solution.ts";

export async function report(hub: Stan, scan: Scan): Promise<void> {
  const id = hub.publish(channel, JSON.stringify(scan));
  if (!id) throw new Error("The scan was not published.");
}
