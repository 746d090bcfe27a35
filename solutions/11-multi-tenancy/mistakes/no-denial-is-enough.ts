// Mistake: taken-is-stored
// Fails: what was not stored is told, and nothing else
// The server has taken the message and has not denied it: then it is where it belongs.
import { setImmediate as turn } from "node:timers/promises";
import type { NatsConnection } from "nats";
import type { Scan } from "../solution.ts";

export { accountsOf, askCustoms } from "../solution.ts";

export async function storeScans(nc: NatsConnection, scans: Scan[]): Promise<Scan[]> {
  const denied = new Set<string>();
  void (async () => {
    for await (const { permissionContext } of nc.status())
      if (permissionContext) denied.add(permissionContext.subject);
  })();
  const subjectOf = ({ depot, event }: Scan) => `parcel.${depot}.${event}`;
  for (const scan of scans) nc.publish(subjectOf(scan), scan.parcel);
  await nc.flush();
  // The denials came before the answer to flush, and are told to the loop above.
  await turn();
  return scans.filter((scan) => denied.has(subjectOf(scan)));
}
