// Mistake: sequences-move-along
// Fails: customs goes on in the stream where it was on the channel
// The place on the channel is taken for the place in the stream.
import { AckPolicy, DeliverPolicy, type NatsConnection, nanos } from "nats";
import { ackWaitMs, type Scan, stream } from "../solution.ts";

export { leaveHub, moveChannel } from "../solution.ts";

export async function takeOver(
  nc: NatsConnection,
  cleared: number,
  clear: (scan: Scan) => Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  const jsm = await nc.jetstreamManager();
  await jsm.consumers.add(stream, {
    durable_name: "customs",
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(ackWaitMs),
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: cleared + 1,
  });
  const consumer = await nc.jetstream().consumers.get(stream, "customs");
  const messages = await consumer.consume({ max_messages: 1 });
  stop.addEventListener("abort", () => messages.stop());
  if (stop.aborted) messages.stop();
  for await (const message of messages) {
    if (stop.aborted) break;
    await clear(message.json<Scan>());
    await message.ackAck();
  }
}
