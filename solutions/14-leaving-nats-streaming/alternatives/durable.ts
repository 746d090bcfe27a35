// A durable keeps the place in the channel, too, and each copy has a message id. What decides is the stream: before each try, the mover looks what it has.
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { AckPolicy, type NatsConnection, NatsError, nanos } from "nats";
import type { Message, Stan } from "node-nats-streaming";
import {
  ackWaitMs,
  channel,
  headersOf,
  isInChannel,
  lastInChannel,
  lastMoved,
  movedSubject,
  patienceMs,
  type Scan,
  sequenceHeader,
  stream,
} from "../solution.ts";

/** Reads the channel as a loop, one message at a time. */
export async function moveChannel(hub: Stan, nc: NatsConnection, gone: AbortSignal): Promise<number> {
  const options = hub
    .subscriptionOptions()
    .setDurableName("bridge")
    .setDeliverAllAvailable()
    .setManualAckMode(true)
    .setAckWait(ackWaitMs)
    .setMaxInFlight(1);
  const subscription = hub.subscribe(channel, options);
  const done = new AbortController();
  const moving = (async () => {
    for await (const [message] of on(subscription, done.signal)) {
      await move(nc, message);
      message.ack();
    }
  })();

  if (!gone.aborted) await once(gone, "abort");
  const end = await lastInChannel(hub);
  while ((await lastMoved(nc)).channelSequence < end) await sleep(50);
  done.abort();
  await moving;
  subscription.close();
  await once(subscription, "closed");
  return end;
}

/** The messages of a subscription, until it is told that no more is wanted. */
async function* on(subscription: NodeJS.EventEmitter, stop: AbortSignal): AsyncGenerator<[Message]> {
  const waiting: Message[] = [];
  let wake = () => {};
  subscription.on("message", (message: Message) => {
    waiting.push(message);
    wake();
  });
  stop.addEventListener("abort", () => wake());
  while (!stop.aborted || waiting.length > 0) {
    const message = waiting.shift();
    if (message) yield [message];
    else
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
  }
}

async function move(nc: NatsConnection, message: Message): Promise<void> {
  for (;;) {
    const { channelSequence, streamSequence } = await lastMoved(nc);
    if (channelSequence >= message.getSequence()) return;
    try {
      await nc.jetstream().publish(movedSubject, message.getRawData(), {
        headers: headersOf(message),
        msgID: `${channel}/${message.getSequence()}`,
        expect: { lastSubjectSequence: streamSequence },
        timeout: patienceMs,
      });
      return;
    } catch {
      await sleep(50);
    }
  }
}

/** Asks for one message after the other. What is a copy of something that is done is acked without more. */
export async function takeOver(
  nc: NatsConnection,
  cleared: number,
  clear: (scan: Scan) => Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  const jsm = await nc.jetstreamManager();
  const settings = { ack_policy: AckPolicy.Explicit, ack_wait: nanos(ackWaitMs), max_ack_pending: 1 };
  await jsm.consumers.add(stream, { durable_name: "customs", ...settings });
  const consumer = await nc.jetstream().consumers.get(stream, "customs");
  while (!stop.aborted) {
    const message = await consumer.next({ expires: 1_000 });
    if (!message) continue;
    if (stop.aborted) return message.nak();
    const sequence = message.headers?.get(sequenceHeader) || undefined;
    if (sequence === undefined || Number(sequence) > cleared) await clear(message.json<Scan>());
    await message.ackAck();
  }
}

/** Waits for a copy of its own last scan, and not only for the sequence. */
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
  const copies = await nc.jetstream().consumers.get(stream, { filterSubjects: movedSubject });
  const messages = await copies.consume();
  for await (const message of messages) if (message.json<Scan>().id === last.at(-1)?.id) break;
  messages.stop();
  for (const scan of first) await publishOnce(nc, `scans.${depot}`, scan);
}

async function publishOnce(nc: NatsConnection, subject: string, scan: Scan): Promise<void> {
  try {
    await nc.jetstream().publish(subject, JSON.stringify(scan), { msgID: scan.id, timeout: patienceMs });
  } catch (error) {
    if (!(error instanceof NatsError)) throw error;
    await sleep(50);
    await publishOnce(nc, subject, scan);
  }
}
