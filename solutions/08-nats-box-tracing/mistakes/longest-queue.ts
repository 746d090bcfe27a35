// Mistake: much-to-do-is-stuck
// Fails: the consumer that gives out nothing any more is found
// The column "Unprocessed" of the consumer report is the one with the big numbers.
import type { NatsConnection } from "nats";
import { type Complaint, findings as detect, type Findings } from "../solution.ts";

export { passes, saveContext, traceMessage } from "../solution.ts";

export async function findings(nc: NatsConnection, complaint: Complaint): Promise<Findings> {
  const found = await detect(nc, complaint);
  const jsm = await nc.jetstreamManager();
  let most = 0;
  for await (const { config } of jsm.streams.list()) {
    for await (const { name, num_pending } of jsm.consumers.list(config.name)) {
      if (num_pending <= most) continue;
      most = num_pending;
      found.stuck = { stream: config.name, consumer: name };
    }
  }
  return found;
}
