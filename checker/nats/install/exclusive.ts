// One installation of a program at a time, among all runs on this machine. The holder may be killed at any moment.
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { cacheFolder } from "../../course/places.ts";
import { tempFolder } from "./cache.ts";
import { InstallFailure } from "./failure.ts";
import type { Program } from "./programs.ts";

/** A holder renews its lock four times in this span; one that was killed, or frozen, is overtaken after it. */
const staleMs = 4_000;
const askAgainMs = 100;
/** Longer than the slowest compilation that is still worth waiting for. */
const patienceMs = 15 * 60_000;

/**
 * Runs `install` while no other process does so for the same program.
 *
 * The lock only spares work: each installation is made in a folder of its own and moved into place, so that a holder
 * which was frozen and overtaken does no harm when it wakes.
 * @param install gets an empty folder; whatever is left in it afterwards is deleted
 * @param onWaiting called once, when another process is at it
 */
export async function exclusively<T>(
  program: Program,
  install: (newStage: () => Promise<string>) => Promise<T>,
  onWaiting: () => void,
): Promise<T> {
  const { default: lockfile } = await import("proper-lockfile");
  const folder = tempFolder(program);
  const options = {
    realpath: false,
    lockfilePath: join(cacheFolder(), "tmp", `${program.name}.lock`),
    stale: staleMs,
    update: staleMs / 4,
    // Without this the library throws from a timer. Being overtaken is safe, as said above.
    onCompromised: () => {},
  };
  const stages: string[] = [];
  const release = await patiently(() => lockfile.lock(folder, options), onWaiting);
  try {
    await removeLeftovers(folder);
    const stage = async () => {
      await mkdir(folder, { recursive: true });
      const made = await mkdtemp(join(folder, "stage-"));
      stages.push(made);
      return made;
    };
    return await install(stage);
  } finally {
    // Only our own: whoever overtook us may be at work beside them.
    for (const made of stages)
      await rm(made, { recursive: true, force: true, maxRetries: 3 }).catch(() => {});
    await release().catch(() => {});
  }
}

async function patiently<T>(take: () => Promise<T>, onWaiting: () => void): Promise<T> {
  const giveUpAt = Date.now() + patienceMs;
  for (let attempt = 0; ; attempt++) {
    try {
      return await take();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ELOCKED") throw error;
      if (Date.now() > giveUpAt) {
        throw new InstallFailure(`another run has been installing for ${patienceMs / 60_000} minutes`);
      }
      if (attempt === 0) onWaiting();
      await new Promise((resolve) => setTimeout(resolve, askAgainMs));
    }
  }
}

/** Only the holder of the lock has a folder in there: all others are of runs that died. */
async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    await rm(join(folder, name), { recursive: true, force: true, maxRetries: 3 });
  }
}
