// Mistake: consumer-per-van
// Fails: parcels wait for the vans, and each is loaded once
// Two programs cannot have the same name, or the second would throw the first one out.
import { AckPolicy, type NatsConnection, nanos } from "nats";

export { answer, ask } from "../solution.ts";

export async function drive(
  nc: NatsConnection,
  load: (parcel: string) => Promise<void>,
  patience: number,
): Promise<() => Promise<void>> {
  const manager = await nc.jetstreamManager();
  const { name } = await manager.consumers.add("PARCELS", {
    durable_name: `van-${nc.info?.client_id}`,
    ack_policy: AckPolicy.Explicit,
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
