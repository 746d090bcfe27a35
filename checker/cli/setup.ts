// npm run setup: brings the programs of all lessons, from the network or from a bundle; or writes such a bundle.
import { EnvironmentTrouble, UsageError } from "../course/errors.ts";
import { exitStatus } from "../grading/verdict.ts";
import { type FoundProgram, findProgram, type ProgramName } from "../nats/install/find.ts";
import { readLock } from "../nats/install/lock.ts";
import { programs } from "../nats/install/programs.ts";
import { installProgress } from "./progress.ts";
import { print } from "./text.ts";

export interface SetupFlags {
  /** Write everything to this file, for machines without a network. */
  readonly bundle?: string;
  /** Install from this file. */
  readonly from?: string;
}

/**
 * @returns the exit status
 * @throws UsageError, EnvironmentTrouble
 */
export async function runSetup({ bundle, from }: SetupFlags): Promise<number> {
  if (bundle !== undefined && from !== undefined) {
    throw new UsageError("--bundle writes a file and --from reads one.", "Give one of the two.");
  }
  if (bundle !== undefined) return pack(bundle);
  return from === undefined ? bringAll() : unpack(from);
}

async function bringAll(): Promise<number> {
  const names = Object.keys(programs) as ProgramName[];
  const here = new Map<ProgramName, FoundProgram>();
  for (const name of names) {
    const found = await alreadyHere(name);
    if (found) here.set(name, found);
    print(found ? `  ✓ ${name} ${found.version} is here: ${found.path}` : `  • ${name} ${size(name)}`);
  }
  const missing = names.filter((name) => !here.has(name));
  if (missing.length > 0) {
    const megabytes = missing.reduce((sum, name) => sum + programs[name].roughMegabytes.download, 0);
    print(
      `About ${megabytes} MB to bring. Compiled with Go instead, where that is the only way: a minute each.`,
    );
  }
  const troubles: EnvironmentTrouble[] = [];
  const onProgress = installProgress();
  for (const name of missing) {
    try {
      await findProgram(name, { onProgress });
    } catch (error) {
      // The others are brought all the same: most lessons need only the first.
      if (!(error instanceof EnvironmentTrouble)) throw error;
      troubles.push(error);
    }
  }
  const [first] = troubles;
  if (first) throw new EnvironmentTrouble(troubles.map(({ message }) => message).join("\n"), first.advice);
  print("Everything is here. Every lesson now works without a network.");
  return exitStatus.passed;
}

/** A variable that names a program in vain is told now, before anything is brought. */
async function alreadyHere(name: ProgramName): Promise<FoundProgram | undefined> {
  try {
    return await findProgram(name, { install: false });
  } catch (error) {
    if (!(error instanceof EnvironmentTrouble) || process.env[programs[name].variable]) throw error;
    return undefined;
  }
}

function size(name: ProgramName): string {
  const { download, installed } = programs[name].roughMegabytes;
  return `${readLock()[name].version}: about ${download} MB to download, ${installed} MB on disk`;
}

async function pack(file: string): Promise<number> {
  const { writeBundle } = await import("../nats/install/bundle.ts");
  const megabytes = Object.values(programs).reduce(
    (sum, program) => sum + program.roughMegabytes.download,
    0,
  );
  print(`The bundle will hold ${Object.keys(programs).join(", ")}: about ${megabytes} MB.`);
  const { bytes } = await writeBundle(file, { onProgress: installProgress() });
  print(`Wrote ${file}, ${Math.round(bytes / 1024 / 1024)} MB. On each machine of the same kind:`);
  print(`  npm run setup -- --from ${file}`);
  return exitStatus.passed;
}

async function unpack(file: string): Promise<number> {
  const { installBundle } = await import("../nats/install/bundle.ts");
  for (const { name, version, isNew } of await installBundle(file)) {
    print(`  ✓ ${name} ${version} ${isNew ? "installed" : "was here already"}`);
  }
  print("Every lesson now works without a network.");
  return exitStatus.passed;
}
