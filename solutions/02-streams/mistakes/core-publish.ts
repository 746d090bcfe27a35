// Mistake: core-publish-is-enough
// Fails: a refused scan is told from one that no stream takes
// The stream takes the subject by itself, so a plain publish is enough, and its number can be asked for afterwards.
import type { NatsConnection } from "nats";
import type { Outcome, Scan } from "../solution.ts";

export { prepare } from "../solution.ts";

export async function record(
  nc: NatsConnection,
  depot: string,
  scans: Scan[],
  _patience: number,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const manager = await nc.jetstreamManager();
  for (const scan of scans) {
    nc.publish(`parcel.${depot}.${scan.event}`, JSON.stringify(scan));
    await nc.flush();
    const { state } = await manager.streams.info("SCANS");
    outcomes.push({ no: scan.no, result: "stored", seq: state.last_seq });
  }
  return outcomes;
}
