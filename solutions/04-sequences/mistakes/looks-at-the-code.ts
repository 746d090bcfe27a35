// Mistake: every-error-is-a-conflict
// Fails: a locker that cannot be reached is not taken
// The refusal has the code 400, so that is how a refusal is known.
import { type NatsConnection, NatsError } from "nats";

export { createScans, keepLedger, record } from "../solution.ts";

export async function claim(
  nc: NatsConnection,
  locker: string,
  parcel: string,
  patience: number,
): Promise<"claimed" | "taken"> {
  const subject = `locker.${locker}`;
  try {
    await nc.jetstream().publish(subject, parcel, { timeout: patience, expect: { lastSubjectSequence: 0 } });
    return "claimed";
  } catch (error) {
    if (!(error instanceof NatsError) || error.code !== "400") throw error;
  }
  const jsm = await nc.jetstreamManager();
  const inLocker = await jsm.streams.getMessage("LOCKERS", { last_by_subj: subject }).catch(() => undefined);
  return inLocker?.string() === parcel ? "claimed" : "taken";
}
