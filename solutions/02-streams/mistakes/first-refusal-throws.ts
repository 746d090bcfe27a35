// Mistake: refusal-is-the-end
// Fails: a refused scan is told from one that no stream takes
// Promise.all is short, and an error should not be swallowed.
import type { NatsConnection } from "nats";
import type { Outcome, Scan } from "../solution.ts";

export { prepare } from "../solution.ts";

export async function record(
  nc: NatsConnection,
  depot: string,
  scans: Scan[],
  patience: number,
): Promise<Outcome[]> {
  const js = nc.jetstream();
  const outcomes: Outcome[] = [];
  const acks = await Promise.all(
    scans.map((scan) =>
      js.publish(`parcel.${depot}.${scan.event}`, JSON.stringify(scan), { timeout: patience }),
    ),
  );
  scans.forEach(({ no }, i) => {
    outcomes.push({ no, result: "stored", seq: acks[i]?.seq ?? 0 });
  });
  return outcomes;
}
