// What a run has left on the machine: its processes, its folders.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../checker/course/places.ts";
import { startOf, stragglers } from "../../checker/nats/end-process.ts";

/** Ids of processes that a run of the checker started and that still run. Servers and hosts carry its mark; ports go with them. */
export function processesOf(checker: number): number[] {
  return stragglers(`${checker}-`);
}

/** Processes and folders of a run that are left; `tmp` was the run's TMPDIR. Programs of the tests note their children there. */
export function leftoversOf(checker: number, tmp: string): string[] {
  const runs = join(root, ".learn-nats", "runs");
  return [
    ...processesOf(checker).map((pid) => `process ${pid}`),
    ...readdirSync(tmp).filter((name) => name.startsWith("learn-nats-")),
    ...readdirSync(tmp)
      .filter((name) => name.startsWith("child-") && startOf(Number(name.slice(6))) !== undefined)
      .map((name) => `${name} of the program`),
    ...(existsSync(runs) ? readdirSync(runs) : []).filter((name) => name.includes(`-${checker}-`)),
  ];
}

/** Waits until a condition holds; gives false when it does not within the time. */
export async function within(ms: number, condition: () => boolean): Promise<boolean> {
  const end = performance.now() + ms;
  while (!condition()) {
    if (performance.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return true;
}
