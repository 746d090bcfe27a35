// Mistake: conflict-is-an-accident
// Fails: two depots want the same locker
// Who asks for a locker will see the error.
import type { NatsConnection } from "nats";

export { createScans, keepLedger, record } from "../solution.ts";

export async function claim(
  nc: NatsConnection,
  locker: string,
  parcel: string,
  patience: number,
): Promise<"claimed" | "taken"> {
  await nc
    .jetstream()
    .publish(`locker.${locker}`, parcel, { timeout: patience, expect: { lastSubjectSequence: 0 } });
  return "claimed";
}
