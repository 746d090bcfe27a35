// All scans are sent at once instead of one after another, with an id made of everything that is in the scan: much faster over a
// slow line. But their order in the stream is then no longer sure when some have to be sent again.
import { createHash } from "node:crypto";
import { type JetStreamClient, type NatsConnection, type NatsError, nanos } from "nats";
import type { Ledger, Scan } from "../solution.ts";

export async function createScans(nc: NatsConnection, offlineHours: number): Promise<void> {
  const jsm = await nc.jetstreamManager();
  // A day more than needed: a larger window costs a little memory for each id, a smaller one costs truth.
  await jsm.streams.add({
    name: "SCANS",
    subjects: ["parcel.>"],
    duplicate_window: nanos((offlineHours + 24) * 3_600_000),
  });
}

export function record(
  nc: NatsConnection,
  depot: string,
  scans: Scan[],
  patience: number,
): Promise<number[]> {
  const js = nc.jetstream();
  return Promise.all(scans.map((scan) => store(js, `parcel.${depot}.${scan.event}`, scan, patience)));
}

async function store(js: JetStreamClient, subject: string, scan: Scan, timeout: number): Promise<number> {
  const data = JSON.stringify(scan);
  const msgID = createHash("sha256").update(data).digest("base64url");
  try {
    return (await js.publish(subject, data, { msgID, timeout })).seq;
  } catch (error) {
    if ((error as NatsError).code !== "TIMEOUT") throw error;
    return store(js, subject, scan, timeout);
  }
}

/** Looks first, which spares a message where the locker was taken long ago; the expectation decides all the same. */
export async function claim(
  nc: NatsConnection,
  locker: string,
  parcel: string,
  patience: number,
): Promise<"claimed" | "taken"> {
  const subject = `locker.${locker}`;
  const jsm = await nc.jetstreamManager();
  const lookInside = async () =>
    (await jsm.streams.getMessage("LOCKERS", { last_by_subj: subject })).string() === parcel
      ? ("claimed" as const)
      : ("taken" as const);
  const { state } = await jsm.streams.info("LOCKERS", { subjects_filter: subject });
  if (state.subjects?.[subject]) return lookInside();
  return nc
    .jetstream()
    .publish(subject, parcel, { timeout: patience, expect: { lastSubjectSequence: 0 } })
    .then(
      () => "claimed" as const,
      (error: NatsError) => {
        if (error.api_error?.err_code !== 10071) throw error;
        return lookInside();
      },
    );
}

/** One message at a time, asked for by hand: nothing is ever fetched ahead. */
export async function keepLedger(
  nc: NatsConnection,
  depot: string,
  ledger: Ledger,
  stop: AbortSignal,
): Promise<void> {
  const start = await ledger.last();
  const consumer = await nc
    .jetstream()
    .consumers.get("SCANS", { filterSubjects: `parcel.${depot}.*`, opt_start_seq: start + 1 });
  while (!stop.aborted) {
    const message = await consumer.next({ expires: 1_000 });
    if (message && !stop.aborted) await ledger.enter(message.json<Scan>(), message.seq);
  }
}
