// Mistake: the-client-knows-my-patience
// Fails: on a bad line the scanner tries until there is an answer
// The client has a time-out of its own, and it will be a good one.
import { ErrorCode, type NatsConnection, NatsError } from "nats";
import type { Scan } from "../solution.ts";

export { claim, createScans, keepLedger } from "../solution.ts";

export async function record(nc: NatsConnection, depot: string, scans: Scan[]): Promise<number[]> {
  const js = nc.jetstream();
  const sequences: number[] = [];
  for (const scan of scans) {
    const msgID = `${scan.scanner}/${scan.day}/${scan.no}`;
    for (;;) {
      try {
        const ack = await js.publish(`parcel.${depot}.${scan.event}`, JSON.stringify(scan), { msgID });
        sequences.push(ack.seq);
        break;
      } catch (error) {
        if (!(error instanceof NatsError) || error.code !== ErrorCode.Timeout) throw error;
      }
    }
  }
  return sequences;
}
