// Mistake: group-keeps-messages
// Fails: parcels wait for the vans, and each is loaded once
// The consumer is there, so the parcels are kept for those who subscribe.
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
  const parcels = nc.subscribe("parcel.*.ready", { queue: "vans" });
  const loaded = (async () => {
    for await (const parcel of parcels) await load(parcel.string());
  })();
  await nc.flush();
  return async () => {
    await parcels.drain();
    await loaded;
  };
}
