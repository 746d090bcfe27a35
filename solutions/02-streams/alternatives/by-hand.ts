// Without the JetStream client: a publish to a stream is a request, and its PubAck is the answer. More to write, but it works from
// any client that can make a request, and shows that nothing else is behind js.publish().
import { ErrorCode, type NatsConnection, type NatsError } from "nats";
import type { Limits, Outcome, Scan } from "../solution.ts";

interface Answer {
  error?: { code: number; err_code: number; description: string };
  seq?: number;
}

export async function prepare(nc: NatsConnection, limits: Limits): Promise<void> {
  const config = {
    name: "SCANS",
    subjects: ["parcel.*.in", "parcel.*.out"],
    retention: "limits",
    storage: "file",
    discard: "new",
    max_msgs: limits.maxScans,
    max_age: limits.keepMs * 1_000_000,
    num_replicas: 1,
  };
  const ask = async (call: string) => {
    const reply = await nc.request(`$JS.API.STREAM.${call}.SCANS`, JSON.stringify(config), {
      timeout: 5_000,
    });
    return reply.json<Answer>().error;
  };
  let error = await ask("CREATE");
  if (error?.err_code === 10058) error = await ask("UPDATE");
  if (error) throw new Error(error.description);
}

export async function record(
  nc: NatsConnection,
  depot: string,
  scans: Scan[],
  patience: number,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const scan of scans) outcomes.push(await recordOne(nc, depot, scan, patience));
  return outcomes;
}

async function recordOne(nc: NatsConnection, depot: string, scan: Scan, patience: number): Promise<Outcome> {
  const { no, event } = scan;
  try {
    const reply = await nc.request(`parcel.${depot}.${event}`, JSON.stringify(scan), { timeout: patience });
    const { error, seq } = reply.json<Answer>();
    if (error?.err_code === 10077) return { no, result: "full" };
    // A refusal has a seq as well: 0.
    if (!seq) throw new Error(error?.description ?? "This is no PubAck.");
    return { no, result: "stored", seq };
  } catch (error) {
    const { code } = error as NatsError;
    if (code === ErrorCode.NoResponders) return { no, result: "no-stream" };
    if (code === ErrorCode.Timeout) return { no, result: "unknown" };
    throw error;
  }
}
