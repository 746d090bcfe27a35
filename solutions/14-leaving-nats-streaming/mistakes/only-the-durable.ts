// Mistake: the-durable-knows-what-is-moved
// Fails: a mover that is killed half-way loses nothing and doubles nothing
// The durable keeps the place, and each message is acked when it is stored. Between the two the program can die.
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
  patienceMs,
} from "../solution.ts";

export { leaveHub, takeOver } from "../solution.ts";

export async function moveChannel(hub: Stan, nc: NatsConnection, gone: AbortSignal): Promise<number> {
  let moving = Promise.resolve();
  const options = hub
    .subscriptionOptions()
    .setDurableName("bridge")
    .setDeliverAllAvailable()
    .setManualAckMode(true)
    .setAckWait(ackWaitMs)
    .setMaxInFlight(1);
  const subscription = hub.subscribe(channel, options);
  subscription.on("message", (message: Message) => {
    moving = moving.then(async () => {
      await store(nc, message);
      message.ack();
    });
  });
  if (!gone.aborted) await once(gone, "abort");
  const end = await lastInChannel(hub);
  while ((await lastMoved(nc)).channelSequence < end) await sleep(50);
  await moving;
  subscription.close();
  await once(subscription, "closed");
  return end;
}

/** Publishes until the stream answers. */
async function store(nc: NatsConnection, message: Message): Promise<void> {
  for (;;) {
    try {
      await nc.jetstream().publish(movedSubject, message.getRawData(), {
        headers: headersOf(message),
        timeout: patienceMs,
      });
      return;
    } catch {
      await sleep(50);
    }
  }
}
