// Mistake: apply-not-awaited
// Fails: the ledger goes on where it stopped
// The callback is async, so everything in it is awaited. But nobody awaits the callback.
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
  const messages = await consumer.consume({
    callback: async (message) => {
      await ledger.enter(message.json<Scan>(), message.seq);
    },
  });
  await new Promise<void>((resolve) => {
    if (stop.aborted) resolve();
    stop.addEventListener("abort", () => resolve());
  });
  await messages.close();
}
