// Mistake: answers-come-in-order
// Fails: a refused scan is told from one that no stream takes
// All scans at once is quick, and whoever has an answer writes it into the list.
import type { NatsConnection, NatsError } from "nats";
import type { Outcome, Scan } from "../solution.ts";

export { prepare } from "../solution.ts";

export async function record(
  nc: NatsConnection,
  depot: string,
  scans: Scan[],
  patience: number,
): Promise<Outcome[]> {
  const js = nc.jetstream();
  const outcomes: Outcome[] = [];
  await Promise.all(
    scans.map(async (scan) => {
      const { no } = scan;
      try {
        const { seq } = await js.publish(`parcel.${depot}.${scan.event}`, JSON.stringify(scan), {
          timeout: patience,
        });
        outcomes.push({ no, result: "stored", seq });
      } catch (error) {
        outcomes.push({ no, result: whyNot(error) });
      }
    }),
  );
  return outcomes;
}

function whyNot(error: unknown): "full" | "no-stream" | "unknown" {
  const { api_error, code } = error as NatsError;
  if (api_error?.err_code === 10077) return "full";
  if (api_error) throw error;
  if (code === "503") return "no-stream";
  if (code === "TIMEOUT") return "unknown";
  throw error;
}
