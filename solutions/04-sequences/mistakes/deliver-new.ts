// Mistake: starts-at-new
// Fails: the ledger goes on where it stopped
// The old ones are in the book already, it is thought, so only new ones are asked for.
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
    deliver_policy: DeliverPolicy.New,
  });
  const messages = await consumer.consume();
  stop.addEventListener("abort", () => messages.stop());
  if (stop.aborted) messages.stop();
  for await (const message of messages) {
    if (stop.aborted) break;
    await ledger.enter(message.json<Scan>(), message.seq);
  }
}
