// Mistake: id-too-coarse
// Fails: a scanner that crashes and sends its day again stores nothing twice
// The scanner numbers its scans, and its name is unique. That the numbers begin again every day is easily forgotten.
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
          msgID: `${scan.scanner}-${scan.no}`,
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
