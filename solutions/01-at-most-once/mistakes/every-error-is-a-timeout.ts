// Mistake: no-answer-means-timeout
// Fails: asking tells an empty depot from a silent one
// One catch for everything: no answer is no answer.
import { type ConnectionOptions, connect } from "nats";

export { report, watch } from "../solution.ts";

export async function ask(
  options: ConnectionOptions,
  depot: string,
  patience: number,
): Promise<"open" | "silent" | "empty"> {
  const nc = await connect(options);
  try {
    await nc.request(`depot.${depot}.open`, "", { timeout: patience });
    return "open";
  } catch {
    return "silent";
  } finally {
    await nc.close();
  }
}
