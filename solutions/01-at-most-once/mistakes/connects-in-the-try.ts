// Mistake: every-error-is-about-the-depot
// Fails: asking tells an empty depot from a silent one
// connect() has a time-out, too, with the same code. It says that the server was silent, and nothing about a depot.
import { type ConnectionOptions, connect, ErrorCode, type NatsConnection, type NatsError } from "nats";

export { report, watch } from "../solution.ts";

export async function ask(
  options: ConnectionOptions,
  depot: string,
  patience: number,
): Promise<"open" | "silent" | "empty"> {
  let nc: NatsConnection | undefined;
  try {
    nc = await connect(options);
    await nc.request(`depot.${depot}.open`, "", { timeout: patience });
    return "open";
  } catch (error) {
    const { code } = error as NatsError;
    if (code === ErrorCode.NoResponders) return "empty";
    if (code === ErrorCode.Timeout) return "silent";
    throw error;
  } finally {
    await nc?.close();
  }
}
