// Mistake: last-sequence-of-the-stream
// Fails: two depots want the same locker
// "Nothing has changed since I looked" is the right thought, but about one locker, not about all of them.
import { type NatsConnection, NatsError } from "nats";

export { createScans, keepLedger, record } from "../solution.ts";

export async function claim(
  nc: NatsConnection,
  locker: string,
  parcel: string,
  patience: number,
): Promise<"claimed" | "taken"> {
  const jsm = await nc.jetstreamManager();
  const subject = `locker.${locker}`;
  const info = await jsm.streams.info("LOCKERS", { subjects_filter: subject });
  if (info.state.subjects?.[subject]) {
    const inLocker = await jsm.streams.getMessage("LOCKERS", { last_by_subj: subject });
    return inLocker.string() === parcel ? "claimed" : "taken";
  }
  try {
    await nc
      .jetstream()
      .publish(subject, parcel, { timeout: patience, expect: { lastSequence: info.state.last_seq } });
    return "claimed";
  } catch (error) {
    if (error instanceof NatsError && error.api_error?.err_code === 10071) return "taken";
    throw error;
  }
}
