// Mistake: taken-by-another
// Fails: a depot that got no answer asks for its locker again
// Somebody was first, the server says. Who it was seems to be clear.
import { type NatsConnection, NatsError } from "nats";

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
  } catch (error) {
    if (error instanceof NatsError && error.api_error?.err_code === 10071) return "taken";
    throw error;
  }
}
