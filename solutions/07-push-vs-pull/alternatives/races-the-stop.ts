// Races `next()` against the stop, so that it never waits for a pull that nobody needs any more; a parcel that comes after all goes back. The
// pull itself waits on in the server for up to a second.
import type { NatsConnection } from "nats";
import type { Parcel } from "../solution.ts";

export { watchParcels } from "../solution.ts";

export async function sortParcels(
  nc: NatsConnection,
  sort: (parcel: Parcel) => Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  const consumer = await nc.jetstream().consumers.get("PARCELS", "sorters");
  const stopped = new Promise<undefined>((resolve) => {
    stop.addEventListener("abort", () => resolve(undefined));
    if (stop.aborted) resolve(undefined);
  });
  while (!stop.aborted) {
    const next = consumer.next({ expires: 1_000 });
    const message = await Promise.race([next, stopped]);
    if (stop.aborted) {
      next.then(
        (late) => late?.nak(),
        () => {},
      );
      break;
    }
    if (!message) continue;
    await sort(message.json<Parcel>());
    message.ack();
  }
  await nc.flush();
}
