// Mistake: gap-after-restart
// Fails: the ledger goes on where it stopped
// A durable consumer remembers the position by itself, so the ledger need not be asked.
import { AckPolicy, type NatsConnection } from "nats";
import type { Ledger, Scan } from "../solution.ts";

export { claim, createScans, record } from "../solution.ts";

export async function keepLedger(
  nc: NatsConnection,
  depot: string,
  ledger: Ledger,
  stop: AbortSignal,
): Promise<void> {
  const jsm = await nc.jetstreamManager();
  await jsm.consumers.add("SCANS", {
    durable_name: `ledger-${depot}`,
    filter_subject: `parcel.${depot}.*`,
    ack_policy: AckPolicy.None,
  });
  const consumer = await nc.jetstream().consumers.get("SCANS", `ledger-${depot}`);
  const messages = await consumer.consume();
  stop.addEventListener("abort", () => messages.stop());
  if (stop.aborted) messages.stop();
  for await (const message of messages) {
    if (stop.aborted) break;
    await ledger.enter(message.json<Scan>(), message.seq);
  }
}
