// Mistake: a-callback-is-awaited
// Fails: three sorters share the parcels, and a fourth gets its part
// The next parcel comes when the callback is done with the last one; at the stop all jobs are awaited.
import type { JsMsg, NatsConnection } from "nats";
import type { Parcel } from "../solution.ts";

export { watchParcels } from "../solution.ts";

export async function sortParcels(
  nc: NatsConnection,
  sort: (parcel: Parcel) => Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  const consumer = await nc.jetstream().consumers.get("PARCELS", "sorters");
  const jobs: Promise<void>[] = [];
  let failure: { error: unknown } | undefined;
  const work = async (message: JsMsg): Promise<void> => {
    await sort(message.json<Parcel>());
    message.ack();
  };
  const parcels = await consumer.consume({
    max_messages: 1,
    abort_on_missing_resource: true,
    callback: (message) => {
      jobs.push(
        work(message).catch((error) => {
          failure ??= { error };
          parcels.stop();
        }),
      );
    },
  });
  stop.addEventListener("abort", () => parcels.stop());
  if (stop.aborted) parcels.stop();
  const error = await parcels.closed();
  if (error) throw error;
  await Promise.all(jobs);
  if (failure) throw failure.error;
  await nc.flush();
}
