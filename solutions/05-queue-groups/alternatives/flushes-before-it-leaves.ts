// A printer that hears from the server once more before it leaves: all that was sent up to then is in the client after it. What the
// server sends in between still comes with the drain.
import type { NatsConnection } from "nats";

export { ask, drive } from "../solution.ts";

export async function answer(
  nc: NatsConnection,
  print: (parcel: string) => Promise<string>,
): Promise<() => Promise<void>> {
  const requests = nc.subscribe("label.*", { queue: "printers" });
  const work = (async () => {
    for await (const request of requests) request.respond(await print(request.string()));
  })();
  await nc.flush();
  return async () => {
    await nc.flush();
    await requests.drain();
    await work;
    await nc.drain();
  };
}
