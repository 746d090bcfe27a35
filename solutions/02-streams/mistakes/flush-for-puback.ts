// Mistake: sent-means-stored
// Fails: a scan counts when the stream has confirmed it
// In lesson 01 a flush was enough, and here the publishes are even of JetStream.
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
    js.publish(`parcel.${depot}.${scan.event}`, JSON.stringify(scan), { timeout: patience }).then(
      (ack) => outcomes.push({ no, result: "stored", seq: ack.seq }),
      (error) => outcomes.push({ no, result: whyNot(error) }),
    );
  }
  await nc.flush();
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
