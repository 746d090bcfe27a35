// Mistake: dead-workers-are-noticed
// Fails: a van that breaks down loses no parcel
// The van's connection breaks, and the server can see that.
import { AckPolicy, type NatsConnection } from "nats";

export { answer, ask } from "../solution.ts";

export async function drive(
  nc: NatsConnection,
  load: (parcel: string) => Promise<void>,
  _patience: number,
): Promise<() => Promise<void>> {
  const manager = await nc.jetstreamManager();
  await manager.consumers.add("PARCELS", {
    durable_name: "vans",
    ack_policy: AckPolicy.Explicit,
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
