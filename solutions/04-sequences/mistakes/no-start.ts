// Mistake: starts-over
// Fails: the ledger goes on where it stopped
// An ordered consumer never misses anything, so it will know where it was.
import type { NatsConnection } from "nats";
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
  });
  const messages = await consumer.consume();
  stop.addEventListener("abort", () => messages.stop());
  if (stop.aborted) messages.stop();
  for await (const message of messages) {
    if (stop.aborted) break;
    await ledger.enter(message.json<Scan>(), message.seq);
  }
}
