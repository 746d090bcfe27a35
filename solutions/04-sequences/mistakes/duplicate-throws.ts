// Mistake: duplicate-is-an-error
// Fails: an answer that comes too late stores the scan once
// The flag stands in the answer, so it must be something to complain about.
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
    const msgID = `${scan.scanner}-${scan.day}-${scan.no}`;
    for (let done = false; !done; ) {
      const ack = await js
        .publish(`parcel.${depot}.${scan.event}`, JSON.stringify(scan), { msgID, timeout: patience })
        .catch((error: unknown) => {
          if (error instanceof NatsError && error.code === ErrorCode.Timeout) return undefined;
          throw error;
        });
      if (ack?.duplicate) throw new Error(`scan ${msgID} was stored before`);
      if (ack) sequences.push(ack.seq);
      done = ack !== undefined;
    }
  }
  return sequences;
}
