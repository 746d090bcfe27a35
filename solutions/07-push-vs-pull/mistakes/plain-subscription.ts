// Mistake: subscribe-sees-the-stream
// Fails: the screen shows every parcel in order, also when its connection breaks
// The stream has these subjects, so a subscription to them should see it.
import type { NatsConnection } from "nats";
import type { Parcel } from "../solution.ts";

export { sortParcels } from "../solution.ts";

export async function watchParcels(
  nc: NatsConnection,
  show: (parcel: Parcel) => Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  const parcels = nc.subscribe("parcel.>");
  stop.addEventListener("abort", () => parcels.unsubscribe());
  for await (const message of parcels) await show(message.json<Parcel>());
}
