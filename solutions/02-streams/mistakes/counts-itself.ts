// Mistake: sequence-is-my-count
// Fails: a scan counts when the stream has confirmed it
// The scans are numbered already, and on the first day both numbers are the same.
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
    try {
      await js.publish(`parcel.${depot}.${scan.event}`, JSON.stringify(scan), { timeout: patience });
      outcomes.push({ no, result: "stored", seq: no });
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
