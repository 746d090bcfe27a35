// Mistake: every-refusal-is-full
// Fails: a refused scan is told from one that no stream takes
// An error of JetStream is the answer of a stream that did not take the message. So it is full.
import type { NatsConnection, NatsError } from "nats";
import type { Outcome, Scan } from "../solution.ts";

export { prepare } from "../solution.ts";

export async function record(
  nc: NatsConnection,
  depot: string,
  scans: Scan[],
  patience: number,
): Promise<Outcome[]> {
  const js = nc.jetstream();
  const outcomes: Outcome[] = [];
  for (const scan of scans) {
    const { no } = scan;
    const publish = () =>
      js.publish(`parcel.${depot}.${scan.event}`, JSON.stringify(scan), { timeout: patience });
    try {
      const { seq } = await publish();
      outcomes.push({ no, result: "stored", seq });
    } catch (error) {
      outcomes.push({ no, result: whyNot(error) });
    }
  }
  return outcomes;
}

function whyNot(error: unknown): "full" | "no-stream" | "unknown" {
  const { api_error, code } = error as NatsError;
  if (api_error) return "full";
  if (code === "503") return "no-stream";
  if (code === "TIMEOUT") return "unknown";
  throw error;
}
