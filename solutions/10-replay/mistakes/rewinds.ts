// Mistake: films-again
// Fails: a film goes on after a power cut
// When the connection is back, the film is started again.
import { DeliverPolicy, type NatsConnection, ReplayPolicy } from "nats";
import type { ParcelEvent } from "../solution.ts";

export { countStock, eventsBetween } from "../solution.ts";

export async function playFilm(
  nc: NatsConnection,
  depot: string,
  from: Date,
  until: Date,
  show: (event: ParcelEvent) => Promise<void>,
): Promise<void> {
  const window = {
    filterSubjects: `parcel.${depot}.*`,
    deliver_policy: DeliverPolicy.StartTime,
    opt_start_time: from.toISOString(),
  };
  const js = nc.jetstream();
  let last = 0;
  const reader = await js.consumers.get("PARCELS", window);
  if ((await reader.info()).num_pending === 0) return;
  const all = await reader.consume();
  for await (const event of all) {
    if (Math.floor(event.info.timestampNanos / 1_000_000) >= until.getTime()) break;
    last = event.seq;
    if (event.info.pending === 0) break;
  }
  await all.close();
  for (let shown = 0; shown < last; ) {
    const consumer = await js.consumers.get("PARCELS", { ...window, replay_policy: ReplayPolicy.Original });
    const film = await consumer.consume();
    let over = false;
    void (async () => {
      for await (const { type } of nc.status()) {
        if (over) return;
        if (type === "reconnect") return film.stop();
      }
    })();
    for await (const event of film) {
      await show(event.json<ParcelEvent>());
      shown = event.seq;
      if (shown >= last) break;
    }
    over = true;
    await film.close();
  }
}
