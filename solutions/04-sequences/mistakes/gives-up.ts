// Mistake: timeout-means-lost
// Fails: an answer that comes too late stores the scan once
// The error is thrown to whoever called; it has to be good for something.
import type { NatsConnection } from "nats";
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
    const ack = await js.publish(`parcel.${depot}.${scan.event}`, JSON.stringify(scan), {
      msgID: `${scan.scanner}-${scan.day}-${scan.no}`,
      timeout: patience,
    });
    sequences.push(ack.seq);
  }
  return sequences;
}
