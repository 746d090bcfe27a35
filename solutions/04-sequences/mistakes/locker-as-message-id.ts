// Mistake: dedup-as-a-lock
// Fails: two depots want the same locker
// The stream stores an id once, and says whether it had it: that looks made for the purpose.
import type { NatsConnection } from "nats";

export { createScans, keepLedger, record } from "../solution.ts";

export async function claim(
  nc: NatsConnection,
  locker: string,
  parcel: string,
  patience: number,
): Promise<"claimed" | "taken"> {
  const ack = await nc
    .jetstream()
    .publish(`locker.${locker}`, parcel, { timeout: patience, msgID: `locker-${locker}` });
  return ack.duplicate ? "taken" : "claimed";
}
