// Mistake: delivered-means-done
// Fails: a van that breaks down loses no parcel
// The parcel has come, and that is what an acknowledgement says.
import { AckPolicy, type NatsConnection, nanos } from "nats";

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
    ack_wait: nanos(patience),
  });
  const vans = await nc.jetstream().consumers.get("PARCELS", name);
  const parcels = await vans.consume({ max_messages: 1 });
  const loaded = (async () => {
    for await (const parcel of parcels) {
      parcel.ack();
      await load(parcel.string());
    }
  })();
  return async () => {
    await parcels.close();
    await loaded;
    await nc.flush();
  };
}
