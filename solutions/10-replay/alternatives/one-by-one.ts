// No consumer at all: asks the stream for the next message of the depot, again and again. Slower, and nothing is left in the server.
import { setTimeout as sleep } from "node:timers/promises";
import { type JetStreamManager, type NatsConnection, NatsError, type StoredMsg } from "nats";
import type { ParcelEvent, Stock } from "../solution.ts";

const noMessage = 10037;

export async function countStock(nc: NatsConnection, depot: string, known?: Stock): Promise<Stock> {
  const jsm = await nc.jetstreamManager();
  let { parcels, sequence } = known ?? { parcels: 0, sequence: 0 };
  const { first_seq, last_seq } = (await patiently(() => jsm.streams.info("PARCELS"))).state;
  if (first_seq > sequence + 1 || last_seq < sequence)
    throw new Error("The stream does not have what is needed.");
  for (;;) {
    const event = await next(jsm, depot, sequence + 1);
    if (!event) return { parcels, sequence };
    parcels += event.subject.endsWith(".in") ? 1 : -1;
    sequence = event.seq;
  }
}

export async function eventsBetween(
  nc: NatsConnection,
  depot: string,
  from: Date,
  until: Date,
): Promise<ParcelEvent[]> {
  return (await between(nc, depot, from, until)).map((event) => event.json<ParcelEvent>());
}

export async function playFilm(
  nc: NatsConnection,
  depot: string,
  from: Date,
  until: Date,
  show: (event: ParcelEvent) => Promise<void>,
): Promise<void> {
  const events = await between(nc, depot, from, until);
  const ahead = Date.now() - (events[0]?.time.getTime() ?? 0);
  for (const event of events) {
    // Its time, moved from then to now.
    const rest = event.time.getTime() + ahead - Date.now();
    if (rest > 0) await sleep(rest);
    await show(event.json<ParcelEvent>());
  }
}

async function between(nc: NatsConnection, depot: string, from: Date, until: Date): Promise<StoredMsg[]> {
  const jsm = await nc.jetstreamManager();
  const events: StoredMsg[] = [];
  let event = await next(jsm, depot, await firstFrom(jsm, from));
  while (event && event.time < until) {
    if (event.time >= from) events.push(event);
    event = await next(jsm, depot, event.seq + 1);
  }
  return events;
}

/** The first sequence that was stored at that time or later: half of the rest, again and again. */
async function firstFrom(jsm: JetStreamManager, from: Date): Promise<number> {
  const { first_seq, last_seq } = (await patiently(() => jsm.streams.info("PARCELS"))).state;
  let [low, high] = [Math.max(1, first_seq), last_seq + 1];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const message = await next(jsm, "*", middle);
    if (!message || message.time >= from) high = middle;
    else low = message.seq + 1;
  }
  return low;
}

/** The first message of a depot from this sequence on; undefined when there is none. */
async function next(jsm: JetStreamManager, depot: string, seq: number): Promise<StoredMsg | undefined> {
  try {
    const query = { seq, next_by_subj: `parcel.${depot}.*` };
    return await patiently(() => jsm.streams.getMessage("PARCELS", query));
  } catch (error) {
    if (error instanceof NatsError && error.api_error?.err_code === noMessage) return undefined;
    throw error;
  }
}

/** Asks again when there is no answer, or nobody who answers. What the stream itself refuses is an answer. */
async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof NatsError) || error.api_error?.err_code) throw error;
      await sleep(100);
    }
  }
}
