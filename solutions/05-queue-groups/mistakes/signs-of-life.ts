// Mistake: slow-is-not-broken
// Fails: a parcel of a van that is too slow goes to another van
// Long work needs a sign of life, so that the server does not take the van for broken.
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
  const parcels = await vans.consume({ max_messages: 1 });
  const loaded = (async () => {
    for await (const parcel of parcels) {
      const sign = setInterval(() => parcel.working(), patience / 3);
      await load(parcel.string());
      clearInterval(sign);
      parcel.ack();
    }
  })();
  return async () => {
    await parcels.close();
    await loaded;
    await nc.flush();
  };
}
