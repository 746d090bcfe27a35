// Mistake: another-lab
// Fails: the findings are about your own lab
// Somebody else has done the lesson already, and passed on what he found.
import type { Findings } from "../solution.ts";

export { passes, saveContext, traceMessage } from "../solution.ts";

export async function findings(): Promise<Findings> {
  return {
    // No lab of yours ever has this number.
    hub: "hub-1000008",
    stuck: { stream: "SCANS_GARNET", consumer: "billing-marc" },
    unstored: "parcel.nice.weighed",
    poison: { stream: "JOBS_INDIGO", sequence: 14 },
    dropping: "CUSTOMS_COBALT",
    silent: "desk-yara",
    lost: { subject: "returns.porto.ada", stream: "RETURNS_AMBER" },
  };
}
