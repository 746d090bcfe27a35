// The number that a learner's lab is made from: other learners have other ones. Kept beside the progress, so that it stays the same.
import { randomInt } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import writeFileAtomic from "write-file-atomic";
import { EnvironmentTrouble } from "./errors.ts";
import { workFolder } from "./places.ts";

const file = () => join(workFolder, "labs.json");
const least = 1_000;
const most = 999_999;

/** Labs are numbered like this. */
export function isLabSeed(seed: number): boolean {
  return Number.isInteger(seed) && seed >= 1 && seed <= most;
}

/**
 * The number of the lab that was started last for a lesson; undefined when none was. `LEARN_NATS_LAB_SEED` stands in for it, so that
 * any lab can be graded without starting it.
 */
export function labSeed(lesson: string): number | undefined {
  const given = Number(process.env.LEARN_NATS_LAB_SEED);
  if (process.env.LEARN_NATS_LAB_SEED && isLabSeed(given)) return given;
  return readSeeds()[lesson];
}

export function newLabSeed(): number {
  return randomInt(least, most);
}

/** @throws EnvironmentTrouble when it cannot be written */
export function keepLabSeed(lesson: string, seed: number): void {
  try {
    mkdirSync(dirname(file()), { recursive: true });
    writeFileAtomic.sync(file(), `${JSON.stringify({ ...readSeeds(), [lesson]: seed }, null, 2)}\n`);
  } catch (error) {
    throw new EnvironmentTrouble(
      `The number of your lab cannot be written to ${file()}: ${(error as Error).message}.`,
      "See that the folder is writable and the disk is not full.",
      { cause: error },
    );
  }
}

function readSeeds(): Record<string, number> {
  try {
    const seeds = JSON.parse(readFileSync(file(), "utf8")) as Record<string, number>;
    return Object.fromEntries(Object.entries(seeds).filter(([, seed]) => isLabSeed(seed)));
  } catch {
    // None yet, or nothing that can be read: the next lab has another number, and says so.
    return {};
  }
}
