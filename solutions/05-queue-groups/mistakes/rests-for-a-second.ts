// Mistake: any-pause-will-do
// Fails: a terminal waits for a printer that comes a little later
// A printer that restarts is back in a second, so the terminal waits for a second.
import { setTimeout as pause } from "node:timers/promises";
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
      if (code === ErrorCode.NoResponders) await pause(1_000);
      else if (code !== ErrorCode.Timeout) throw error;
    }
  }
  return undefined;
}
