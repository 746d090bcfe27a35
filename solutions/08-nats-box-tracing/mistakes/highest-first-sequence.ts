// Mistake: first-sequence-above-one-is-loss
// Fails: the stream that drops its oldest messages is found
// Where message 1 is gone, something was dropped; the most where the first sequence is highest.
import type { NatsConnection } from "nats";
import { type Complaint, findings as detect, type Findings } from "../solution.ts";

export { passes, saveContext, traceMessage } from "../solution.ts";

export async function findings(nc: NatsConnection, complaint: Complaint): Promise<Findings> {
  const found = await detect(nc, complaint);
  let highest = 1;
  for await (const { config, state } of (await nc.jetstreamManager()).streams.list()) {
    if (state.first_seq <= highest) continue;
    highest = state.first_seq;
    found.dropping = config.name;
  }
  return found;
}
