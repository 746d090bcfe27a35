// Mistake: a-denied-publish-throws
// Fails: what was not stored is told, and nothing else
// What I may not publish makes publish() throw, and after flush() the server has the message.
import type { NatsConnection } from "nats";
import type { Scan } from "../solution.ts";

export { accountsOf, askCustoms } from "../solution.ts";

export async function storeScans(nc: NatsConnection, scans: Scan[]): Promise<Scan[]> {
  const notStored: Scan[] = [];
  for (const scan of scans) {
    try {
      nc.publish(`parcel.${scan.depot}.${scan.event}`, scan.parcel);
      await nc.flush();
    } catch {
      notStored.push(scan);
    }
  }
  return notStored;
}
