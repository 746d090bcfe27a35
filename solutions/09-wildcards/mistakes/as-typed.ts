// Mistake: any-name-is-a-token
// Fails: a name becomes one token
// The name of a depot is put into the subject as it is.
import type { NatsConnection } from "nats";
import type { Report } from "../solution.ts";

export { watch } from "../solution.ts";

export async function send(nc: NatsConnection, { depot, event, text }: Report): Promise<void> {
  if (depot === "") throw new RangeError("A depot needs a name.");
  if (!/^[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(event)) throw new RangeError(`${event} is no event`);
  nc.publish(`parcel.${depot}.${event}`, text);
  await nc.flush();
}
