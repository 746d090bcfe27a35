// Mistake: name-of-the-member
// Fails: each label is printed once, and others hear of it too
// Every worker needs a name, and there is a field for one.
import type { NatsConnection } from "nats";

export { ask, drive } from "../solution.ts";

export async function answer(
  nc: NatsConnection,
  print: (parcel: string) => Promise<string>,
): Promise<() => Promise<void>> {
  const requests = nc.subscribe("label.*", { queue: `printer-${nc.info?.client_id}` });
  const answered = (async () => {
    for await (const request of requests) request.respond(await print(request.string()));
  })();
  answered.catch(() => {});
  await nc.flush();
  return async () => {
    await requests.drain();
    await answered;
    await nc.drain();
  };
}
