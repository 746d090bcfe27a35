// Mistake: every-error-is-no-answer
// Fails: a terminal throws an error that no other try can mend
// A request that failed had no answer; after some tries it gives up.
import { setTimeout as pause } from "node:timers/promises";
import type { NatsConnection } from "nats";
import type { Tries } from "../solution.ts";

export { answer, drive } from "../solution.ts";

export async function ask(
  nc: NatsConnection,
  depot: string,
  parcel: string,
  { tries, patience }: Tries,
): Promise<string | undefined> {
  for (let i = 0; i < tries; i++) {
    const notBefore = pause(patience);
    try {
      return (await nc.request(`label.${depot}`, parcel, { timeout: patience })).string();
    } catch {
      await notBefore;
    }
  }
  return undefined;
}
