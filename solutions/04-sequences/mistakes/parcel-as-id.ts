// Mistake: id-too-coarse
// Fails: a scanner that crashes and sends its day again stores nothing twice
// The parcel and what happened to it: that names a scan, one would think.
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
          msgID: `${scan.parcel}-${scan.event}`,
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
