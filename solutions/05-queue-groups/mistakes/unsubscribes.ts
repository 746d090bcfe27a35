// Mistake: unsubscribe-finishes-the-rest
// Fails: a printer that is switched off answers what it was given
// Who leaves unsubscribes first, finishes what is in hand, and goes.
import type { NatsConnection } from "nats";

export { ask, drive } from "../solution.ts";

export async function answer(
  nc: NatsConnection,
  print: (parcel: string) => Promise<string>,
): Promise<() => Promise<void>> {
  const requests = nc.subscribe("label.*", { queue: "printers" });
  const answered = (async () => {
    for await (const request of requests) request.respond(await print(request.string()));
  })();
  answered.catch(() => {});
  await nc.flush();
  return async () => {
    requests.unsubscribe();
    await answered;
    await nc.drain();
  };
}
