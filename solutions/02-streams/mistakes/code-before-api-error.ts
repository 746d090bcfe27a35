// Mistake: code-503-says-enough
// Fails: a refused scan is told from one that no stream takes
// 503 is “no responders”, so nobody was there to store it.
import { ErrorCode, type NatsConnection, type NatsError } from "nats";
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
      const { code, api_error } = error as NatsError;
      if (code === ErrorCode.NoResponders) outcomes.push({ no, result: "no-stream" });
      else if (api_error) outcomes.push({ no, result: "full" });
      else outcomes.push({ no, result: "unknown" });
    }
  }
  return outcomes;
}
