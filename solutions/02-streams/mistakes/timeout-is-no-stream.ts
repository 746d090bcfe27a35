// Mistake: no-answer-means-not-stored
// Fails: after a power failure every confirmed scan is there
// If it was not the one error, it must be the other: nobody answered, so nobody stored it.
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
      const full = (error as NatsError).api_error?.err_code === 10077;
      outcomes.push({ no, result: full ? "full" : "no-stream" });
    }
  }
  return outcomes;
}
