// What the authors' long runs have in common when they read their command line: a wrong value ends them with status 2, before anything runs.
import { Command, InvalidArgumentError } from "commander";
import { exitStatus } from "../grading/verdict.ts";

/** A command whose usage errors end the process with the contract's exit status. */
export function authorsCommand(script: string, description: string): Command {
  return new Command(`npm run ${script} --`)
    .description(description)
    .allowExcessArguments(false)
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? exitStatus.passed : exitStatus.usage));
}

/** For commander: a whole number of at least one. */
export function positive(typed: string): number {
  const value = Number(typed);
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError("A whole number of at least 1 is wanted.");
  return value;
}
