// Mistake: case-does-not-matter
// Fails: every name has a subject of its own
// Small letters only, so that nobody has to think about capitals.
import type { NatsConnection } from "nats";
import { type Report, send as sendAsWritten } from "../solution.ts";

export { watch } from "../solution.ts";

export async function send(nc: NatsConnection, report: Report): Promise<void> {
  await sendAsWritten(nc, { ...report, depot: report.depot.toLowerCase() });
}
