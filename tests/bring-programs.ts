// Before the first test: the programs that the tests run, so that no test's time goes into installing them. Where one is not to be had,
// it is said here, and the tests that need it fail or are skipped in their own words.
import { EnvironmentTrouble } from "../checker/course/errors.ts";
import { findProgram } from "../checker/nats/install/find.ts";

export default async function bringPrograms(): Promise<void> {
  for (const name of ["nats-server", "nats", "nats-streaming-server"] as const) {
    try {
      await findProgram(name);
    } catch (error) {
      if (!(error instanceof EnvironmentTrouble)) throw error;
      console.error(`${name} is not to be had: ${error.message}`);
    }
  }
}
