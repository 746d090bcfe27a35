// Mistake: the-client-knows-my-patience
// Fails: a depot that got no answer asks for its locker again
// A publish that gets no answer fails some day by itself.
import { type NatsConnection, NatsError } from "nats";

export { createScans, keepLedger, record } from "../solution.ts";

export async function claim(
  nc: NatsConnection,
  locker: string,
  parcel: string,
): Promise<"claimed" | "taken"> {
  const subject = `locker.${locker}`;
  try {
    await nc.jetstream().publish(subject, parcel, { expect: { lastSubjectSequence: 0 } });
    return "claimed";
  } catch (error) {
    if (!(error instanceof NatsError) || error.api_error?.err_code !== 10071) throw error;
  }
  const jsm = await nc.jetstreamManager();
  const inLocker = await jsm.streams.getMessage("LOCKERS", { last_by_subj: subject });
  return inLocker.string() === parcel ? "claimed" : "taken";
}
