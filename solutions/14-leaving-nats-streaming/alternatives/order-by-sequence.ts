// Many messages may be in flight. They are put into the order of their sequences before they are stored, so that nothing overtakes: quicker when the line is long.
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { AckPolicy, DeliverPolicy, type NatsConnection, nanos } from "nats";
import type { Message, Stan } from "node-nats-streaming";
import {
  ackWaitMs,
  channel,
  headersOf,
  isInChannel,
  isInStream,
  lastInChannel,
  lastMoved,
  movedSubject,
  type Place,
  patienceMs,
  type Scan,
  sequenceHeader,
  stream,
} from "../solution.ts";

export async function moveChannel(hub: Stan, nc: NatsConnection, gone: AbortSignal): Promise<number> {
  let place = await lastMoved(nc);
  /** What came too early, by its sequence. */
  const early = new Map<number, Message>();
  /** The first message that is still in the channel may be a later one than the next. */
  let next = Math.max(place.channelSequence + 1, await firstInChannel(hub));
  let moving = Promise.resolve();

  const move = async () => {
    for (let message = early.get(next); message; message = early.get(++next)) {
      while (place.channelSequence < next) place = await copy(nc, message, place);
      message.ack();
      early.delete(next);
    }
  };
  const options = hub
    .subscriptionOptions()
    .setStartAtSequence(next)
    .setManualAckMode(true)
    .setAckWait(ackWaitMs)
    .setMaxInFlight(50);
  const subscription = hub.subscribe(channel, options);
  subscription.on("message", (message: Message) => {
    if (message.getSequence() < next) return message.ack();
    early.set(message.getSequence(), message);
    moving = moving.then(move);
  });

  if (!gone.aborted) await once(gone, "abort");
  const end = await lastInChannel(hub);
  while (place.channelSequence < end) await sleep(20);
  await moving;
  subscription.unsubscribe();
  await once(subscription, "unsubscribed");
  return end;
}

async function firstInChannel(hub: Stan): Promise<number> {
  const options = hub.subscriptionOptions().setDeliverAllAvailable().setMaxInFlight(1).setManualAckMode(true);
  const subscription = hub.subscribe(channel, options.setAckWait(ackWaitMs));
  const [message] = (await once(subscription, "message")) as [Message];
  subscription.unsubscribe();
  await once(subscription, "unsubscribed");
  return message.getSequence();
}

async function copy(nc: NatsConnection, message: Message, last: Place): Promise<Place> {
  const channelSequence = message.getSequence();
  try {
    const { seq } = await nc.jetstream().publish(movedSubject, message.getRawData(), {
      headers: headersOf(message),
      expect: { lastSubjectSequence: last.streamSequence },
      timeout: patienceMs,
    });
    return { streamSequence: seq, channelSequence };
  } catch {
    await sleep(50);
    return lastMoved(nc);
  }
}

/** The durable consumer has a reader who is called back. */
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
    deliver_policy: DeliverPolicy.All,
  });
  const consumer = await nc.jetstream().consumers.get(stream, "customs");
  let working = Promise.resolve();
  const messages = await consumer.consume({
    max_messages: 1,
    callback: (message) => {
      working = working.then(async () => {
        if (stop.aborted) return;
        const isCopy = message.headers?.has(sequenceHeader) ?? false;
        if (!isCopy || Number(message.headers?.get(sequenceHeader)) > cleared)
          await clear(message.json<Scan>());
        await message.ackAck();
      });
    },
  });
  if (!stop.aborted) await once(stop, "abort");
  await working;
  await messages.close();
}

/** Watches the copies come, from the last one on. */
export async function leaveHub(
  hub: Stan,
  nc: NatsConnection,
  depot: string,
  last: Scan[],
  first: Scan[],
): Promise<void> {
  for (const scan of last)
    while (!(await isInChannel(hub, scan))) {
      // Again.
    }
  const end = await lastInChannel(hub);
  const copies = await nc.jetstream().consumers.get(stream, {
    filterSubjects: movedSubject,
    deliver_policy: DeliverPolicy.LastPerSubject,
  });
  const messages = await copies.consume();
  for await (const { headers } of messages) if (Number(headers?.get(sequenceHeader)) >= end) break;
  for (const scan of first)
    while (!(await isInStream(nc, depot, scan))) {
      // Again.
    }
}
