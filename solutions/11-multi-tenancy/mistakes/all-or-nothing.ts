// Mistake: one-denial-ends-all
// Fails: what was not stored is told, and nothing else
// All scans are stored, or there is an error.
import type { NatsConnection } from "nats";
import type { Scan } from "../solution.ts";

export { accountsOf, askCustoms } from "../solution.ts";

export async function storeScans(nc: NatsConnection, scans: Scan[]): Promise<Scan[]> {
  const js = nc.jetstream();
  try {
    await Promise.all(
      scans.map(({ depot, event, parcel }) => js.publish(`parcel.${depot}.${event}`, parcel)),
    );
    return [];
  } catch {
    return scans;
  }
}
