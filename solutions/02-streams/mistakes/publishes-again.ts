// Mistake: no-answer-means-once-more
// Fails: after a power failure every confirmed scan is there
// One more try does no harm: either the first one was lost, or the stream has it already.
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
      const { seq } = await publish().catch((error: NatsError) => {
        if (error.code === "TIMEOUT") return publish();
        throw error;
      });
      outcomes.push({ no, result: "stored", seq });
    } catch (error) {
      outcomes.push({ no, result: whyNot(error) });
    }
  }
  return outcomes;
}

function whyNot(error: unknown): "full" | "no-stream" | "unknown" {
  const { api_error, code } = error as NatsError;
  if (api_error?.err_code === 10077) return "full";
  if (api_error) throw error;
  if (code === "503") return "no-stream";
  if (code === "TIMEOUT") return "unknown";
  throw error;
}
