// Mistake: no-answer-is-final
// Fails: a scan is stored once when its leader goes before it answers
// No answer is thrown as an error, as if the scan were not stored.
import { setTimeout as sleep } from "node:timers/promises";
import { ErrorCode, type NatsConnection, NatsError } from "nats";
import type { Scan } from "../solution.ts";

export { createScans, work } from "../solution.ts";

export async function store(nc: NatsConnection, scans: Scan[], patience: number): Promise<number[]> {
  const js = nc.jetstream();
  const sequences: number[] = [];
  for (const scan of scans) {
    const subject = `parcel.${scan.depot}.${scan.event}`;
    for (;;) {
      try {
        const { seq } = await js.publish(subject, JSON.stringify(scan), {
          msgID: scan.id,
          timeout: patience,
        });
        sequences.push(seq);
        break;
      } catch (error) {
        if (!isNotNow(error)) throw error;
        await sleep(100);
      }
    }
  }
  return sequences;
}

/** Whether an error means that the same may well be possible in a moment. */
function isNotNow(error: unknown): boolean {
  if (!(error instanceof NatsError)) return false;
  const inProcess = 10158;
  if (error.api_error) return error.api_error.err_code === inProcess;
  return error.code === ErrorCode.NoResponders;
}
