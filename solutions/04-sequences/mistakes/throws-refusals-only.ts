// Mistake: every-error-is-a-time-out
// Fails: a scan that the stream refuses is reported
// What the stream refuses has an `api_error`. Everything else is the network's doing, and passes.
import type { NatsConnection, NatsError } from "nats";
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
    const msgID = `${scan.scanner}/${scan.day}/${scan.no}`;
    for (;;) {
      try {
        const ack = await js.publish(`parcel.${depot}.${scan.event}`, JSON.stringify(scan), {
          msgID,
          timeout: patience,
        });
        sequences.push(ack.seq);
        break;
      } catch (error) {
        if ((error as NatsError).api_error) throw error;
      }
    }
  }
  return sequences;
}
