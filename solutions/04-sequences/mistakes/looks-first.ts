// Mistake: read-then-write
// Fails: two depots want the same locker
// First look whether it is free, then take it: so does everybody at a real locker.
import type { NatsConnection } from "nats";

export { createScans, keepLedger, record } from "../solution.ts";

export async function claim(
  nc: NatsConnection,
  locker: string,
  parcel: string,
  patience: number,
): Promise<"claimed" | "taken"> {
  const jsm = await nc.jetstreamManager();
  const subject = `locker.${locker}`;
  const found = await jsm.streams.getMessage("LOCKERS", { last_by_subj: subject }).catch((error) => {
    if (error.api_error?.err_code === 10037 || error.code === "404") return undefined;
    throw error;
  });
  if (found) return found.string() === parcel ? "claimed" : "taken";
  await nc.jetstream().publish(subject, parcel, { timeout: patience });
  return "claimed";
}
