// Mistake: consumer-counts-as-the-stream
// Fails: the message that comes again and again is found
// The ack floor stands still at the last message before the bad one.
import type { NatsConnection } from "nats";
import { type Complaint, findings as detect, type Findings } from "../solution.ts";

export { passes, saveContext, traceMessage } from "../solution.ts";

export async function findings(nc: NatsConnection, complaint: Complaint): Promise<Findings> {
  const found = await detect(nc, complaint);
  const jsm = await nc.jetstreamManager();
  for await (const { config } of jsm.streams.list()) {
    for await (const { num_redelivered, ack_floor } of jsm.consumers.list(config.name)) {
      if (num_redelivered > 0) found.poison = { stream: config.name, sequence: ack_floor.consumer_seq + 1 };
    }
  }
  return found;
}
