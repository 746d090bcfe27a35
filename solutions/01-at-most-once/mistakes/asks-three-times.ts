// Mistake: any-wait-will-do
// Fails: asking tells an empty depot from a silent one
// A third of the patience, three times. An answer that comes after the first third belongs to a question that nobody waits for any more.
import { type ConnectionOptions, connect, ErrorCode, type NatsError } from "nats";

export { report, watch } from "../solution.ts";

export async function ask(
  options: ConnectionOptions,
  depot: string,
  patience: number,
): Promise<"open" | "silent" | "empty"> {
  const nc = await connect(options);
  try {
    for (let tries = 1; tries <= 3; tries++) {
      try {
        await nc.request(`depot.${depot}.open`, "", { timeout: patience / 3 });
        return "open";
      } catch (error) {
        const { code } = error as NatsError;
        if (code === ErrorCode.NoResponders) return "empty";
        if (code !== ErrorCode.Timeout) throw error;
      }
    }
    return "silent";
  } finally {
    await nc.close();
  }
}
