// Mistake: every-error-is-a-conflict
// Fails: a locker that cannot be reached is not taken
// One catch: it worked, or somebody else was first.
import type { NatsConnection } from "nats";

export { createScans, keepLedger, record } from "../solution.ts";

export async function claim(
  nc: NatsConnection,
  locker: string,
  parcel: string,
  patience: number,
): Promise<"claimed" | "taken"> {
  try {
    await nc
      .jetstream()
      .publish(`locker.${locker}`, parcel, { timeout: patience, expect: { lastSubjectSequence: 0 } });
    return "claimed";
  } catch {
    return "taken";
  }
}
