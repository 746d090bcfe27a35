// Mistake: begins-behind-the-copy
// Fails: customs goes on in the stream where it was on the channel
// Customs looks for the copy of the last message that it has cleared, and begins behind it. What others stored before it is not cleared.
import { AckPolicy, DeliverPolicy, type NatsConnection, nanos } from "nats";
import { ackWaitMs, type Scan, sequenceHeader, stream } from "../solution.ts";

export { leaveHub, moveChannel } from "../solution.ts";

export async function takeOver(
  nc: NatsConnection,
  cleared: number,
  clear: (scan: Scan) => Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  const jsm = await nc.jetstreamManager();
  const { state } = await jsm.streams.info(stream);
  let start = state.last_seq;
  for (; start > 0; start--) {
    const { header } = await jsm.streams.getMessage(stream, { seq: start });
    if (header.get(sequenceHeader) === String(cleared)) break;
  }
  const durables = await jsm.consumers.list(stream).next();
  if (durables.length === 0)
    await jsm.consumers.add(stream, {
      durable_name: "customs",
      ack_policy: AckPolicy.Explicit,
      ack_wait: nanos(ackWaitMs),
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: start + 1,
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
