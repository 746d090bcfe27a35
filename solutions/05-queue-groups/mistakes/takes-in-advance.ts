// Mistake: fetched-ahead-is-free
// Fails: a van holds one parcel, and its shift ends when that is loaded
// A hundred at once need fewer round trips.
import { AckPolicy, type NatsConnection, nanos } from "nats";

export { answer, ask } from "../solution.ts";

export async function drive(
  nc: NatsConnection,
  load: (parcel: string) => Promise<void>,
  patience: number,
): Promise<() => Promise<void>> {
  const manager = await nc.jetstreamManager();
  await manager.consumers.add("PARCELS", {
    durable_name: "vans",
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(patience),
  });
  const vans = await nc.jetstream().consumers.get("PARCELS", "vans");
  const parcels = await vans.consume({ max_messages: 100 });
  const loaded = (async () => {
    for await (const parcel of parcels) {
      await load(parcel.string());
      parcel.ack();
    }
  })();
  return async () => {
    await parcels.close();
    await loaded;
    await nc.flush();
  };
}
