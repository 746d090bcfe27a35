// Mistake: subscribers-share
// Fails: each label is printed once, and others hear of it too
// Two programs read from one subject, as two threads read from one queue.
import type { NatsConnection } from "nats";

export { ask, drive } from "../solution.ts";

export async function answer(
  nc: NatsConnection,
  print: (parcel: string) => Promise<string>,
): Promise<() => Promise<void>> {
  const requests = nc.subscribe("label.*");
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
