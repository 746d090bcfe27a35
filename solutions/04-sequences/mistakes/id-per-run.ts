// Mistake: id-not-from-the-data
// Fails: a scanner that crashes and sends its day again stores nothing twice
// The id is made before the loop, so that all tries share it. The next run makes another.
import { randomUUID } from "node:crypto";
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
    const msgID = randomUUID();
    for (;;) {
      try {
        const ack = await js.publish(`parcel.${depot}.${scan.event}`, JSON.stringify(scan), {
          msgID,
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
