// Callbacks for the printer, so that several labels are printed at once, and `next()` for the van: it asks for one parcel at a time
// and holds none in advance. Fairest between vans, but each parcel costs a round trip, and the end of a shift may take a second.
import { AckPolicy, type NatsConnection, NatsError, nanos } from "nats";
import type { Tries } from "../solution.ts";

export async function answer(
  nc: NatsConnection,
  print: (parcel: string) => Promise<string>,
): Promise<() => Promise<void>> {
  const working = new Set<Promise<void>>();
  const subscription = nc.subscribe("label.*", {
    queue: "printers",
    callback: (error, request) => {
      if (error) return;
      const work = print(request.string()).then((label) => {
        request.respond(label);
      });
      working.add(work);
      work.finally(() => working.delete(work));
    },
  });
  await nc.flush();
  return async () => {
    await subscription.drain();
    await Promise.all(working);
    await nc.flush();
    await nc.close();
  };
}

export async function ask(
  nc: NatsConnection,
  depot: string,
  parcel: string,
  { tries, patience }: Tries,
): Promise<string | undefined> {
  for (let i = 0; i < tries; i++) {
    const notBefore = new Promise<void>((resolve) => setTimeout(resolve, patience));
    const label = await nc.request(`label.${depot}`, parcel, { timeout: patience }).then(
      (reply) => reply.string(),
      (error: unknown) => {
        if (error instanceof NatsError && ["503", "TIMEOUT"].includes(error.code)) return undefined;
        throw error;
      },
    );
    if (label !== undefined) return label;
    await notBefore;
  }
  return undefined;
}

export async function drive(
  nc: NatsConnection,
  load: (parcel: string) => Promise<void>,
  patience: number,
): Promise<() => Promise<void>> {
  const jsm = await nc.jetstreamManager();
  await jsm.consumers.add("PARCELS", {
    durable_name: "vans",
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(patience),
  });
  const vans = await nc.jetstream().consumers.get("PARCELS", "vans");
  let driving = true;
  const shift = (async () => {
    while (driving) {
      const parcel = await vans.next({ expires: 1_000 });
      if (!parcel) continue;
      await load(parcel.string());
      await parcel.ackAck();
    }
  })();
  return async () => {
    driving = false;
    await shift;
  };
}
