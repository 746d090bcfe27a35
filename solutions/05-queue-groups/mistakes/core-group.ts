// Mistake: group-keeps-messages
// Fails: parcels wait for the vans, and each is loaded once
// It worked for the printers, and it is called a queue.
import type { NatsConnection } from "nats";

export { answer, ask } from "../solution.ts";

export async function drive(
  nc: NatsConnection,
  load: (parcel: string) => Promise<void>,
  _patience: number,
): Promise<() => Promise<void>> {
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
