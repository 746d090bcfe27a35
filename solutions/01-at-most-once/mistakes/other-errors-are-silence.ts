// Mistake: every-error-is-about-the-depot
// Fails: asking tells an empty depot from a silent one
// There are two ways in which a request can go wrong, so whatever is not the one is the other.
import { type ConnectionOptions, connect, type NatsError } from "nats";

export { report, watch } from "../solution.ts";

export async function ask(
  options: ConnectionOptions,
  depot: string,
  patience: number,
): Promise<"open" | "silent" | "empty"> {
  try {
    const nc = await connect(options);
    try {
      await nc.request(`depot.${depot}.open`, "", { timeout: patience });
      return "open";
    } finally {
      await nc.close();
    }
  } catch (error) {
    return (error as NatsError).code === "503" ? "empty" : "silent";
  }
}
