// A durable consumer that is told to start behind the ledger, and removed at the end of each run: more steps than an ordered
// consumer, but its state can be seen in `nats consumer report`. What the ledger has is passed over, so nothing is entered twice.
import { AckPolicy, DeliverPolicy, type NatsConnection } from "nats";
import type { Ledger, Scan } from "../solution.ts";

export { claim, createScans, record } from "../solution.ts";

export async function keepLedger(
  nc: NatsConnection,
  depot: string,
  ledger: Ledger,
  stop: AbortSignal,
): Promise<void> {
  const name = `ledger-${depot}`;
  const jsm = await nc.jetstreamManager();
  // Left behind by a run that was killed.
  await jsm.consumers.delete("SCANS", name).catch(() => {});
  let position = await ledger.last();
  await jsm.consumers.add("SCANS", {
    durable_name: name,
    filter_subject: `parcel.${depot}.*`,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: position + 1,
  });
  const consumer = await nc.jetstream().consumers.get("SCANS", name);
  const messages = await consumer.consume({ max_messages: 1 });
  const end = () => void messages.close();
  stop.addEventListener("abort", end);
  if (stop.aborted) end();
  for await (const message of messages) {
    if (message.seq > position && !stop.aborted) {
      await ledger.enter(message.json<Scan>(), message.seq);
      position = message.seq;
    }
    message.ack();
  }
  await jsm.consumers.delete("SCANS", name);
}
