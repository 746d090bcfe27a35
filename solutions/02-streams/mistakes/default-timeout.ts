// Mistake: the-client-knows-how-long
// Fails: after a power failure every confirmed scan is there
// js.publish() waits for the PubAck by itself, so there is nothing to say about time.
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
    const publish = () => js.publish(`parcel.${depot}.${scan.event}`, JSON.stringify(scan));
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
  if (api_error?.err_code === 10077) return "full";
  if (api_error) throw error;
  if (code === "503") return "no-stream";
  if (code === "TIMEOUT") return "unknown";
  throw error;
}
