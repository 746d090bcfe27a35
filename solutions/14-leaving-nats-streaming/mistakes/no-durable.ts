// Mistake: cleared-stays-my-place
// Fails: customs goes on in the stream where it was on the channel
// Customs has its place in `cleared`. So it reads the stream from the first message each time, and nobody keeps another place.
import type { NatsConnection } from "nats";
import { type Scan, sequenceHeader, stream } from "../solution.ts";

export { leaveHub, moveChannel } from "../solution.ts";

export async function takeOver(
  nc: NatsConnection,
  cleared: number,
  clear: (scan: Scan) => Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  const consumer = await nc.jetstream().consumers.get(stream);
  const messages = await consumer.consume({ max_messages: 1 });
  stop.addEventListener("abort", () => messages.stop());
  if (stop.aborted) messages.stop();
  for await (const message of messages) {
    if (stop.aborted) break;
    const sequence = message.headers?.get(sequenceHeader);
    if (!sequence || Number(sequence) > cleared) await clear(message.json<Scan>());
  }
}
