// Mistake: one-denial-ends-all
// Fails: what was not stored is told, and nothing else
// When one scan is denied, this scanner has no rights. The others would be denied, too.
import type { NatsConnection } from "nats";
import type { Scan } from "../solution.ts";

export { accountsOf, askCustoms } from "../solution.ts";

export async function storeScans(nc: NatsConnection, scans: Scan[]): Promise<Scan[]> {
  const js = nc.jetstream();
  for (const [at, { depot, event, parcel }] of scans.entries()) {
    try {
      await js.publish(`parcel.${depot}.${event}`, parcel);
    } catch {
      return scans.slice(at);
    }
  }
  return [];
}
