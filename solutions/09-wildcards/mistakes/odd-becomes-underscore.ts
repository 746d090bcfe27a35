// Mistake: odd-characters-can-go
// Fails: every name has a subject of its own
// Whatever is no letter and no digit becomes "_": short, and easy to read.
import type { NatsConnection } from "nats";
import type { Report } from "../solution.ts";

export { watch } from "../solution.ts";

export async function send(nc: NatsConnection, { depot, event, text }: Report): Promise<void> {
  if (depot === "") throw new RangeError("A depot needs a name.");
  if (!/^[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(event)) throw new RangeError(`${event} is no event`);
  const name = depot.replace(/[^A-Za-z0-9_-]/g, "_");
  nc.publish(`parcel.${name}.${event}`, text);
  await nc.flush();
}
