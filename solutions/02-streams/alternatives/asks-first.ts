// `prepare` looks first whether the stream is there; `record` has all scans on the way at once. Faster by far on a slow network:
// one round trip in place of one a scan. The stream still gets them in order, because one connection keeps the order.
import { DiscardPolicy, ErrorCode, type JetStreamManager, type NatsConnection, NatsError, nanos } from "nats";
import type { Limits, Outcome, Scan } from "../solution.ts";

export async function prepare(nc: NatsConnection, limits: Limits): Promise<void> {
  const jsm = await nc.jetstreamManager();
  const config = {
    subjects: ["in", "out"].map((event) => `parcel.*.${event}`),
    discard: DiscardPolicy.New,
    max_msgs: limits.maxScans,
    max_age: nanos(limits.keepMs),
  };
  if (await exists(jsm, "SCANS")) await jsm.streams.update("SCANS", config);
  else await jsm.streams.add({ name: "SCANS", ...config });
}

async function exists(jsm: JetStreamManager, wanted: string): Promise<boolean> {
  for await (const name of jsm.streams.names()) if (name === wanted) return true;
  return false;
}

export async function record(
  nc: NatsConnection,
  depot: string,
  scans: Scan[],
  patience: number,
): Promise<Outcome[]> {
  const js = nc.jetstream({ timeout: patience });
  return Promise.all(
    scans.map((scan) =>
      js.publish(`parcel.${depot}.${scan.event}`, JSON.stringify(scan)).then(
        (ack): Outcome => ({ no: scan.no, result: "stored", seq: ack.seq }),
        (error: unknown): Outcome => ({ no: scan.no, result: reason(error) }),
      ),
    ),
  );
}

function reason(error: unknown): "full" | "no-stream" | "unknown" {
  if (!(error instanceof NatsError)) throw error;
  if (error.isJetStreamError()) {
    if (error.jsError()?.err_code === 10077) return "full";
    throw error;
  }
  if (error.code === ErrorCode.NoResponders) return "no-stream";
  if (error.code === ErrorCode.Timeout) return "unknown";
  throw error;
}
