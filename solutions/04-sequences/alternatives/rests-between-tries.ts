// A rest between two tries that grows, up to a second: when many scanners are on one bad line, they do not all send again at once.
import { setTimeout as rest } from "node:timers/promises";
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
    const publish = () =>
      js
        .publish(`parcel.${depot}.${scan.event}`, JSON.stringify(scan), { msgID, timeout: patience })
        .catch((error: NatsError) => {
          if (error.code !== "TIMEOUT") throw error;
        });
    let ack = await publish();
    for (let tries = 1; !ack; tries++) {
      await rest(Math.min(100 * 2 ** tries, 1_000));
      ack = await publish();
    }
    sequences.push(ack.seq);
  }
  return sequences;
}
