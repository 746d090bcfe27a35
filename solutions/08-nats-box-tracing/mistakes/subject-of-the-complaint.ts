// Mistake: sent-is-where-it-is
// Fails: the lost parcel is found
// The trace names the stream; the subject is known already.
import type { NatsConnection } from "nats";
import { type Complaint, findings as detect, type Findings } from "../solution.ts";

export { passes, saveContext, traceMessage } from "../solution.ts";

export async function findings(nc: NatsConnection, complaint: Complaint): Promise<Findings> {
  const found = await detect(nc, complaint);
  if (found.lost) found.lost.subject = complaint.sentTo;
  return found;
}
