// Mistake: code-503-says-enough
// Fails: a refused scan is told from one that no stream takes
// A full stream answered 503 in the first test, so 503 means full.
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
      const ack = await js.publish(`parcel.${depot}.${scan.event}`, JSON.stringify(scan), {
        timeout: patience,
      });
      outcomes.push({ no, result: "stored", seq: ack.seq });
    } catch (error) {
      switch ((error as NatsError).code) {
        case "503":
          outcomes.push({ no, result: "full" });
          break;
        case "TIMEOUT":
          outcomes.push({ no, result: "unknown" });
          break;
        default:
          throw error;
      }
    }
  }
  return outcomes;
}
