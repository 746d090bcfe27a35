// Mistake: any-wait-will-do
// Fails: asking tells an empty depot from a silent one
// Whoever is there says yes within milliseconds. For the others the client has a time-out of its own.
import { type ConnectionOptions, connect, ErrorCode, type NatsError } from "nats";

export { report, watch } from "../solution.ts";

export async function ask(
  options: ConnectionOptions,
  depot: string,
  _patience: number,
): Promise<"open" | "silent" | "empty"> {
  const nc = await connect(options);
  try {
    await nc.request(`depot.${depot}.open`);
    return "open";
  } catch (error) {
    const { code } = error as NatsError;
    if (code === ErrorCode.NoResponders) return "empty";
    if (code === ErrorCode.Timeout) return "silent";
    throw error;
  } finally {
    await nc.close();
  }
}
