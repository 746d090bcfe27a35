// Mistake: new-id-per-try
// Fails: an answer that comes too late stores the scan once
// A message id must be unique, so each message gets a fresh one.
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
    for (;;) {
      try {
        const ack = await js.publish(`parcel.${depot}.${scan.event}`, JSON.stringify(scan), {
          msgID: randomUUID(),
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
