// Mistake: uri-encoding-is-enough
// Fails: a name becomes one token
// What is safe in a URI is taken to be safe in a subject.
import type { NatsConnection } from "nats";
import type { Report } from "../solution.ts";

export { watch } from "../solution.ts";

export async function send(nc: NatsConnection, { depot, event, text }: Report): Promise<void> {
  if (depot === "") throw new RangeError("A depot needs a name.");
  if (!/^[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(event)) throw new RangeError(`${event} is no event`);
  nc.publish(`parcel.${encodeURIComponent(depot)}.${event}`, text);
  await nc.flush();
}
