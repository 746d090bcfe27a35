// Mistake: no-responders-is-final
// Fails: a terminal waits for a printer that comes a little later
// “No responders” sounds final: nobody is there.
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
      const { code } = error as NatsError;
      if (code === ErrorCode.NoResponders) return undefined;
      if (code !== ErrorCode.Timeout) throw error;
    }
  }
  return undefined;
}
