// Mistake: heard-is-stored
// Fails: the subject that no stream stores is found
// The streams are there for what the depots scan; an event with another name must be the one that is missing.
import type { NatsConnection } from "nats";
import { type Complaint, findings as detect, type Findings } from "../solution.ts";

export { passes, saveContext, traceMessage } from "../solution.ts";

export async function findings(nc: NatsConnection, complaint: Complaint): Promise<Findings> {
  const found = await detect(nc, complaint);
  for await (const { subject } of nc.subscribe("parcel.>")) {
    if (subject.endsWith(".scanned")) continue;
    if (subject !== found.unstored) return { ...found, unstored: subject };
  }
  return found;
}
