// Mistake: reconnect-starts-over
// Fails: the screen shows every parcel in order, also when its connection breaks
// The connection broke, so everything that hung on it must be made anew.
import { consumerOpts, Events, type JetStreamSubscription, type NatsConnection } from "nats";
import type { Parcel } from "../solution.ts";

export { sortParcels } from "../solution.ts";

export async function watchParcels(
  nc: NatsConnection,
  show: (parcel: Parcel) => Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  const js = nc.jetstream();
  const running: Promise<void>[] = [];
  let parcels: JetStreamSubscription | undefined;
  const subscribe = async () => {
    parcels?.unsubscribe();
    const mine = await js.subscribe("parcel.>", consumerOpts().orderedConsumer());
    parcels = mine;
    running.push(
      (async () => {
        for await (const message of mine) {
          if (stop.aborted) break;
          await show(message.json<Parcel>());
        }
      })(),
    );
  };
  await subscribe();
  void (async () => {
    for await (const status of nc.status()) if (status.type === Events.Reconnect) await subscribe();
  })();
  await new Promise<void>((resolve) => stop.addEventListener("abort", () => resolve()));
  parcels?.unsubscribe();
  await Promise.all(running);
}
