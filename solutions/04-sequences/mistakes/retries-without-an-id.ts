// Mistake: timeout-means-lost
// Fails: an answer that comes too late stores the scan once
// No answer, so it did not arrive; sending it again is the safe thing to do.
import { ErrorCode, type NatsConnection, NatsError } from "nats";
import type { Scan } from "../solution.ts";

export { claim, createScans, keepLedger } from "../solution.ts";

export async function record(
  nc: NatsConnection,
  depot: string,
  scans: Scan[],
  patience: number,
): Promise<number[]> {
  const js = nc.jetstream();
  const sequences: number[] = [];
  for (const scan of scans) {
    for (;;) {
      try {
        const ack = await js.publish(`parcel.${depot}.${scan.event}`, JSON.stringify(scan), {
          timeout: patience,
        });
        sequences.push(ack.seq);
        break;
      } catch (error) {
        if (!(error instanceof NatsError) || error.code !== ErrorCode.Timeout) throw error;
      }
    }
  }
  return sequences;
}
