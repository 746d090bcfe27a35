// Mistake: starts-with-the-new
// Fails: parcels wait for the vans, and each is loaded once
// A van that starts its shift wants what comes from now on.
import { AckPolicy, DeliverPolicy, type NatsConnection, nanos } from "nats";

export { answer, ask } from "../solution.ts";

export async function drive(
  nc: NatsConnection,
  load: (parcel: string) => Promise<void>,
  patience: number,
): Promise<() => Promise<void>> {
  const manager = await nc.jetstreamManager();
  const { name } = await manager.consumers.add("PARCELS", {
    durable_name: "vans",
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.New,
    ack_wait: nanos(patience),
  });
  const vans = await nc.jetstream().consumers.get("PARCELS", name);
  const parcels = await vans.consume({ max_messages: 1 });
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
