// Mistake: server-knows-who-works
// Fails: a terminal asks again when a printer is stuck
// Somebody has the request, so asking twice would print twice. Only when nobody is there one must ask again.
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
      if (code === ErrorCode.Timeout) return undefined;
      if (code !== ErrorCode.NoResponders) throw error;
      await pause(patience);
    }
  }
  return undefined;
}
