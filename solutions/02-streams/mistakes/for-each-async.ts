// Mistake: sent-means-stored
// Fails: a scan counts when the stream has confirmed it
// There is an await before the publish, so it looks as if somebody waited.
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
  scans.forEach(async (scan) => {
    const { no } = scan;
    try {
      const ack = await js.publish(`parcel.${depot}.${scan.event}`, JSON.stringify(scan), {
        timeout: patience,
      });
      outcomes.push({ no, result: "stored", seq: ack.seq });
    } catch (error) {
      outcomes.push({ no, result: whyNot(error) });
    }
  });
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
