// Mistake: no-answer-so-the-next
// Fails: an answer that does not come costs no message, and makes none
// A message that the stream does not answer for is passed over, so that the others get on.
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { NatsConnection } from "nats";
import type { Message, Stan } from "node-nats-streaming";
import {
  ackWaitMs,
  channel,
  headersOf,
  lastInChannel,
  lastMoved,
  movedSubject,
  type Place,
  patienceMs,
} from "../solution.ts";

export { leaveHub, takeOver } from "../solution.ts";

export async function moveChannel(hub: Stan, nc: NatsConnection, gone: AbortSignal): Promise<number> {
  let place = await lastMoved(nc);
  let moving = Promise.resolve();
  let passed = place.channelSequence;
  const move = async (message: Message) => {
    const seq = message.getSequence();
    if (place.channelSequence < seq) place = await copy(nc, message, place);
    if (place.channelSequence < seq) console.error(`message ${seq} could not be moved`);
    passed = Math.max(passed, seq);
    message.ack();
  };
  const options = hub
    .subscriptionOptions()
    .setStartAtSequence(place.channelSequence + 1)
    .setManualAckMode(true)
    .setAckWait(ackWaitMs)
    .setMaxInFlight(1);
  const subscription = hub.subscribe(channel, options);
  subscription.on("message", (message: Message) => {
    moving = moving.then(() => move(message));
  });
  if (!gone.aborted) await once(gone, "abort");
  const end = await lastInChannel(hub);
  while (passed < end) await sleep(20);
  await moving;
  subscription.unsubscribe();
  await once(subscription, "unsubscribed");
  return end;
}

async function copy(nc: NatsConnection, message: Message, last: Place): Promise<Place> {
  try {
    const { seq } = await nc.jetstream().publish(movedSubject, message.getRawData(), {
      headers: headersOf(message),
      expect: { lastSubjectSequence: last.streamSequence },
      timeout: patienceMs,
    });
    return { streamSequence: seq, channelSequence: message.getSequence() };
  } catch {
    await sleep(50);
    return lastMoved(nc);
  }
}
