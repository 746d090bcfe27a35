// Ordered push consumers, with the settings of `consumerOpts()`. The film reads ahead and takes the time itself.
import { setTimeout as sleep } from "node:timers/promises";
import { type ConsumerOptsBuilder, consumerOpts, type JsMsg, type NatsConnection } from "nats";
import type { ParcelEvent, Stock } from "../solution.ts";

export async function countStock(nc: NatsConnection, depot: string, known?: Stock): Promise<Stock> {
  const stock = { parcels: 0, sequence: 0, ...known };
  const manager = await nc.jetstreamManager();
  const { state } = await manager.streams.info("PARCELS");
  if (state.last_seq < stock.sequence || state.first_seq > stock.sequence + 1)
    throw new Error(`The stream has ${state.first_seq} to ${state.last_seq}, known is ${stock.sequence}`);
  await each(nc, depot, consumerOpts().startSequence(stock.sequence + 1), (event) => {
    stock.parcels += event.subject === `parcel.${depot}.in` ? 1 : -1;
    stock.sequence = event.seq;
  });
  return stock;
}

export async function eventsBetween(
  nc: NatsConnection,
  depot: string,
  from: Date,
  until: Date,
): Promise<ParcelEvent[]> {
  return (await read(nc, depot, from, until)).map(({ event }) => event);
}

export async function playFilm(
  nc: NatsConnection,
  depot: string,
  from: Date,
  until: Date,
  show: (event: ParcelEvent) => Promise<void>,
): Promise<void> {
  const events = await read(nc, depot, from, until);
  const start = performance.now();
  for (const { event, at } of events) {
    const due = start + at - (events[0]?.at ?? at);
    await sleep(Math.max(0, due - performance.now()));
    await show(event);
  }
}

async function read(nc: NatsConnection, depot: string, from: Date, until: Date) {
  const events: { event: ParcelEvent; at: number }[] = [];
  await each(nc, depot, consumerOpts().startTime(from), (message) => {
    const at = millisOf(message);
    if (at >= until.getTime()) return false;
    events.push({ event: message.json<ParcelEvent>(), at });
    return true;
  });
  return events;
}

/** Hands over the events that are there, one after the other, until there is none or `take` gives false. */
async function each(
  nc: NatsConnection,
  depot: string,
  options: ConsumerOptsBuilder,
  take: (event: JsMsg) => boolean | undefined,
): Promise<void> {
  const subject = `parcel.${depot}.*`;
  const events = await nc.jetstream().subscribe(subject, options.orderedConsumer());
  const { num_pending, delivered } = await events.consumerInfo();
  if (num_pending > 0 || delivered.consumer_seq > 0) {
    for await (const event of events) if (take(event) === false || event.info.pending === 0) break;
  }
  events.unsubscribe();
}

const millisOf = (message: JsMsg) => Math.floor(message.info.timestampNanos / 1e6);
