// Mistake: quiet-is-empty
// Fails: the old hub may be switched off when the move has ended
// When nothing has come for a while, the channel is taken for empty.
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { NatsConnection } from "nats";
import type { Message, Stan } from "node-nats-streaming";
import {
  ackWaitMs,
  channel,
  headersOf,
  lastMoved,
  movedSubject,
  type Place,
  patienceMs,
} from "../solution.ts";

export { leaveHub, takeOver } from "../solution.ts";

const quietMs = 250;

export async function moveChannel(hub: Stan, nc: NatsConnection, gone: AbortSignal): Promise<number> {
  let place = await lastMoved(nc);
  let moving = Promise.resolve();
  let came = 0;
  const move = async (message: Message) => {
    while (place.channelSequence < message.getSequence()) place = await copy(nc, message, place);
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
    came++;
    moving = moving.then(() => move(message));
  });
  if (!gone.aborted) await once(gone, "abort");
  // Nothing for so long: it is empty.
  for (let seen = -1; seen !== came; await sleep(quietMs)) {
    seen = came;
    await moving;
  }
  subscription.unsubscribe();
  await once(subscription, "unsubscribed");
  return place.channelSequence;
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
