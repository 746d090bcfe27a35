// Mistake: acked-is-moved
// Fails: a mover that is killed half-way loses nothing and doubles nothing
// The message is acked as soon as the program has it, and stored then.
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
  const move = async (message: Message) => {
    while (place.channelSequence < message.getSequence()) place = await copy(nc, message, place);
  };
  const options = hub
    .subscriptionOptions()
    .setDurableName("bridge")
    .setDeliverAllAvailable()
    .setManualAckMode(true)
    .setAckWait(ackWaitMs)
    .setMaxInFlight(1);
  const subscription = hub.subscribe(channel, options);
  subscription.on("message", (message: Message) => {
    message.ack();
    moving = moving.then(() => move(message));
  });
  if (!gone.aborted) await once(gone, "abort");
  const end = await lastInChannel(hub);
  while (place.channelSequence < end) await sleep(20);
  await moving;
  subscription.close();
  await once(subscription, "closed");
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
