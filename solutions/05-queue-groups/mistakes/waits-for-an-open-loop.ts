// Mistake: loop-ends-by-itself
// Fails: a printer that is switched off answers what it was given
// The labels are to be printed before the connection goes, so it waits for the loop first.
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
  await nc.flush();
  return async () => {
    await answered;
    await nc.drain();
  };
}
