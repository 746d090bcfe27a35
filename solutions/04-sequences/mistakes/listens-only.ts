// Mistake: listening-is-enough
// Fails: told to stop, the ledger finishes its entry and makes no other
// Told to stop is an event, and there is a listener for it.
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
  for await (const message of messages) {
    if (stop.aborted) break;
    await ledger.enter(message.json<Scan>(), message.seq);
  }
}
