// Mistake: publish-refuses-what-is-wrong
// Fails: what is no report is not sent
// The event goes into the subject as it came: if it is wrong, publish() will say so.
import type { NatsConnection } from "nats";
import type { Report } from "../solution.ts";

export { watch } from "../solution.ts";

export async function send(nc: NatsConnection, { depot, event, text }: Report): Promise<void> {
  if (depot === "") throw new RangeError("A depot needs a name.");
  const token = [...new TextEncoder().encode(depot)]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      return /[A-Za-z0-9_-]/.test(character)
        ? character
        : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
    })
    .join("");
  nc.publish(`parcel.${token}.${event}`, text);
  await nc.flush();
}
