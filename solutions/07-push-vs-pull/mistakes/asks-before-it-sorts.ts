// Mistake: one-worker-hogs
// Fails: three sorters share the parcels, and a fourth gets its part
// Asks for the next parcel before it sorts this one, so that no time is lost.
import type { NatsConnection } from "nats";
import type { Parcel } from "../solution.ts";

export { watchParcels } from "../solution.ts";

export async function sortParcels(
  nc: NatsConnection,
  sort: (parcel: Parcel) => Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  const consumer = await nc.jetstream().consumers.get("PARCELS", "sorters");
  let next = consumer.next({ expires: 1_000 });
  while (!stop.aborted) {
    const message = await next;
    next = consumer.next({ expires: 1_000 });
    next.catch(() => {});
    if (!message) continue;
    if (stop.aborted) {
      message.nak();
      break;
    }
    await sort(message.json<Parcel>());
    message.ack();
  }
  (await next)?.nak();
  await nc.flush();
}
