// Mistake: ack-wait-in-milliseconds
// Fails: parcels wait for the vans, and each is loaded once
// `patience` is a time, and so is `ack_wait`.
import { AckPolicy, type NatsConnection } from "nats";

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
    ack_wait: patience,
  });
  const vans = await nc.jetstream().consumers.get("PARCELS", "vans");
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
