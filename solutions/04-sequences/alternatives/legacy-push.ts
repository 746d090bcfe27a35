// The older way to read: a push consumer with `js.subscribe`, ordered, with a callback and a queue of its own. It is gone in
// version 3 of the client, but much code is written so. The claim is a request with a header, as clients without JetStream do it.
import { consumerOpts, headers, type JsMsg, type NatsConnection } from "nats";
import type { Ledger, Scan } from "../solution.ts";

export { createScans, record } from "../solution.ts";

export async function claim(
  nc: NatsConnection,
  locker: string,
  parcel: string,
  patience: number,
): Promise<"claimed" | "taken"> {
  const first = headers();
  first.set("Nats-Expected-Last-Subject-Sequence", "0");
  const reply = await nc.request(`locker.${locker}`, parcel, { headers: first, timeout: patience });
  const answer = reply.json<{ seq?: number; error?: { err_code: number; description: string } }>();
  if (answer.error && answer.error.err_code !== 10071) throw new Error(answer.error.description);
  if (!answer.error) return "claimed";
  const jsm = await nc.jetstreamManager();
  const inLocker = await jsm.streams.getMessage("LOCKERS", { last_by_subj: `locker.${locker}` });
  return inLocker.string() === parcel ? "claimed" : "taken";
}

export async function keepLedger(
  nc: NatsConnection,
  depot: string,
  ledger: Ledger,
  stop: AbortSignal,
): Promise<void> {
  const options = consumerOpts()
    .orderedConsumer()
    .startSequence((await ledger.last()) + 1);
  let queue = Promise.resolve();
  let failed: (error: unknown) => void = () => {};
  const failure = new Promise<void>((_, reject) => {
    failed = reject;
  });
  options.callback((error: unknown, message: JsMsg | null) => {
    if (error) failed(error);
    if (!message) return;
    queue = queue.then(async () => {
      if (!stop.aborted) await ledger.enter(message.json<Scan>(), message.seq);
    });
    queue.catch(failed);
  });
  const subscription = await nc.jetstream().subscribe(`parcel.${depot}.*`, options);
  const stopped = new Promise<void>((resolve) => {
    if (stop.aborted) resolve();
    stop.addEventListener("abort", () => resolve(), { once: true });
  });
  await Promise.race([stopped, failure]);
  subscription.unsubscribe();
  await queue;
}
