// A folder inside the course for one short job: what runs there finds the course's packages. Removed when the run ends in any way.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { EnvironmentTrouble } from "../course/errors.ts";
import { workFolder } from "../course/places.ts";
import { removeAtEnd, removeFolder } from "./reaper.ts";

let made = 0;

export function runFolder(purpose: string): { path: string; remove(): void } {
  const path = join(workFolder, "runs", `${purpose}-${process.pid}-${++made}`);
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    throw new EnvironmentTrouble(
      `No folder could be made in ${workFolder}: ${(error as Error).message}`,
      "Make the course's folder writable, and see that the disk is not full.",
      { cause: error },
    );
  }
  removeAtEnd(path);
  return { path, remove: () => removeFolder(path) };
}
