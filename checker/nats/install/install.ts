// Installs a program into the cache by the first rung that can, one run at a time.
import { EnvironmentTrouble } from "../../course/errors.ts";
import type { InstallEvent, OnProgress } from "./events.ts";
import { exclusively } from "./exclusive.ts";
import { InstallFailure, isOfTheSystem } from "./failure.ts";
import { prepareCache } from "./place.ts";
import type { Program } from "./programs.ts";
import { goRung } from "./rungs/go.ts";
import { packageRung } from "./rungs/package.ts";
import { releaseRung } from "./rungs/release.ts";
import {
  defaultLimits,
  type FoundProgram,
  type InstallingRung,
  isRefusal,
  type Limits,
  type Refusal,
} from "./rungs/rung.ts";

/** In the order in which they are tried. */
export const installingRungs: readonly InstallingRung[] = [releaseRung, goRung, packageRung];

export interface InstallOptions {
  readonly rungs?: readonly InstallingRung[];
  readonly onProgress?: OnProgress;
  readonly limits?: Partial<Limits>;
  /** Looks for an installation that another run finished in the meantime. */
  readonly lookAgain: () => Promise<FoundProgram | Refusal>;
}

/**
 * @returns the program, or why each rung refused
 * @throws EnvironmentTrouble when the cache cannot be written
 */
export async function install(program: Program, options: InstallOptions): Promise<FoundProgram | Refusal[]> {
  const { rungs = installingRungs, onProgress = () => {}, lookAgain } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const report = (rung: InstallingRung, event: object) =>
    onProgress({
      program: program.name,
      version: rung.version(program),
      source: rung.source,
      ...event,
    } as InstallEvent);
  const [firstRung] = rungs;
  await prepareCache(program);
  const onWaiting = () => firstRung && report(firstRung, { kind: "waiting" });

  return exclusively(
    program,
    async (newStage) => {
      const already = await lookAgain();
      if (!isRefusal(already)) return already;
      const refusals: Refusal[] = [];
      for (const rung of rungs) {
        try {
          const found = await rung.install({
            program,
            newStage,
            limits,
            report: (event) => report(rung, event),
          });
          report(rung, { kind: "done", version: found.version, path: found.path });
          return found;
        } catch (error) {
          const { message: reason, mend } = expected(error);
          report(rung, { kind: "failed", reason });
          refusals.push({ source: rung.source, reason, ...(mend ? { mend } : {}) });
          // A run that was frozen, and overtaken meanwhile, finds what the other one installed.
          const meanwhile = await lookAgain();
          if (!isRefusal(meanwhile)) return meanwhile;
        }
      }
      return refusals;
    },
    onWaiting,
  );
}

/** A rung's own failure, or the disk's. Anything else is a fault in the course, and is not taken for a refusal. */
function expected(error: unknown): { message: string; mend?: string } {
  if (error instanceof InstallFailure || error instanceof EnvironmentTrouble) return error;
  if ((error as NodeJS.ErrnoException).code === "ENOSPC")
    return { message: "the disk is full", mend: "Free about 150 MB, or set LEARN_NATS_CACHE" };
  if (isOfTheSystem(error)) return error;
  throw error;
}
