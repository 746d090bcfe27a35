// Mistake: position-is-the-next
// Fails: the ledger goes on where it stopped
// The position was saved, so that is where it goes on.
import { DeliverPolicy, type NatsConnection } from "nats";
import type { Ledger, Scan } from "../solution.ts";

export { claim, createScans, record } from "../solution.ts";

export async function keepLedger(
  nc: NatsConnection,
  depot: string,
  ledger: Ledger,
  stop: AbortSignal,
): Promise<void> {
  const last = await ledger.last();
  const consumer = await nc.jetstream().consumers.get("SCANS", {
    filterSubjects: `parcel.${depot}.*`,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: Math.max(1, last),
  });
  const messages = await consumer.consume();
  stop.addEventListener("abort", () => messages.stop());
  if (stop.aborted) messages.stop();
  for await (const message of messages) {
    if (stop.aborted) break;
    await ledger.enter(message.json<Scan>(), message.seq);
  }
}
