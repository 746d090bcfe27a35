// Mistake: no-responders-is-final
// Fails: a terminal waits for a printer that comes a little later
// Only a time-out is worth another try. Everything else is an error.
import { ErrorCode, type NatsConnection, type NatsError } from "nats";
import type { Tries } from "../solution.ts";

export { answer, drive } from "../solution.ts";

export async function ask(
  nc: NatsConnection,
  depot: string,
  parcel: string,
  { tries, patience }: Tries,
): Promise<string | undefined> {
  for (let i = 0; i < tries; i++) {
    try {
      return (await nc.request(`label.${depot}`, parcel, { timeout: patience })).string();
    } catch (error) {
      if ((error as NatsError).code !== ErrorCode.Timeout) throw error;
    }
  }
  return undefined;
}
