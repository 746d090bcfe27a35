// Mistake: stop-empties-the-loop
// Fails: told to stop, the ledger finishes its entry and makes no other
// The reading is stopped, so the loop ends: after all that the client has fetched.
import { DeliverPolicy, type NatsConnection } from "nats";
import type { Ledger, Scan } from "../solution.ts";

export { claim, createScans, record } from "../solution.ts";

export async function keepLedger(
  nc: NatsConnection,
  depot: string,
  ledger: Ledger,
  stop: AbortSignal,
): Promise<void> {
  const consumer = await nc.jetstream().consumers.get("SCANS", {
    filterSubjects: `parcel.${depot}.*`,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: (await ledger.last()) + 1,
  });
  const messages = await consumer.consume();
  stop.addEventListener("abort", () => messages.stop());
  if (stop.aborted) messages.stop();
  for await (const message of messages) {
    await ledger.enter(message.json<Scan>(), message.seq);
  }
}
