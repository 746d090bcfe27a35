// Mistake: silence-means-nobody
// Fails: asking tells an empty depot from a silent one
// If nobody answers, nobody is there.
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
    return "empty";
  } finally {
    await nc.close();
  }
}
