// A program that a check needs beside its server.
import { type FoundProgram, findProgram, type ProgramName } from "../nats/install/find.ts";
import { howToGet } from "../nats/install/needs.ts";
import { programs } from "../nats/install/programs.ts";
import { CannotCheck } from "./finding.ts";

/** @throws CannotCheck when it is not here: then the check is skipped */
export async function needed(name: ProgramName): Promise<FoundProgram> {
  try {
    return await findProgram(name, { install: false });
  } catch {
    throw new CannotCheck(`needs ${programs[name].title}, which is not here: ${howToGet(name)}`);
  }
}
