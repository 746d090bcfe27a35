// Mistake: what-comes-next-is-next
// Fails: the stream has the order of the channel, whatever the line loses
// Messages are stored as they come, each once. The one that was lost comes behind the others.
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
  const first = place.channelSequence + 1;
  const moved = new Set<number>();
  const move = async (message: Message) => {
    const seq = message.getSequence();
    while (!moved.has(seq)) {
      place = await copy(nc, message, place);
      if (place.channelSequence >= seq) moved.add(seq);
    }
    message.ack();
  };
  const options = hub
    .subscriptionOptions()
    .setStartAtSequence(place.channelSequence + 1)
    .setManualAckMode(true)
    .setAckWait(ackWaitMs)
    .setMaxInFlight(100);
  const subscription = hub.subscribe(channel, options);
  subscription.on("message", (message: Message) => {
    moving = moving.then(() => move(message));
  });
  if (!gone.aborted) await once(gone, "abort");
  const end = await lastInChannel(hub);
  while (moved.size < end - first + 1) await sleep(20);
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
