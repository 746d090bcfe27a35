// Times commands in turns (A B A B …), so that a machine whose speed drifts treats them alike.
import { execa } from "execa";
import { localEnvironment } from "../nats/reaper.ts";

export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (index: number) => sorted[index] ?? Number.NaN;
  const middle = sorted.length / 2;
  const median = sorted.length % 2 ? at(Math.floor(middle)) : (at(middle - 1) + at(middle)) / 2;
  return { min: at(0), median, max: at(sorted.length - 1) };
}

export interface TimedCommand {
  readonly command: readonly [string, ...string[]];
  readonly cwd: string;
  /** Its exit status must be this one; anything else is no measurement. */
  readonly status: number;
  /** Before each time, and not timed. */
  readonly prepare?: () => void;
}

/** Milliseconds of a whole process. */
async function once({ command: [file, ...args], cwd, status, prepare }: TimedCommand): Promise<number> {
  prepare?.();
  const from = performance.now();
  const { exitCode, all } = await execa(file, args, {
    cwd,
    env: localEnvironment(),
    extendEnv: false,
    reject: false,
    all: true,
    stdin: "ignore",
  });
  const took = performance.now() - from;
  if (exitCode !== status) throw new Error(`${file} ${args.join(" ")} ended with ${exitCode}:\n${all}`);
  return took;
}

/** Times commands in turns after one warm-up each: milliseconds, a list for each command, all of the same length. */
export async function times(commands: readonly TimedCommand[], rounds: number): Promise<number[][]> {
  for (const command of commands) await once(command);
  const found = commands.map((): number[] => []);
  for (let round = 0; round < rounds; round++)
    for (const [i, command] of commands.entries()) found[i]?.push(await once(command));
  return found;
}

/** The ratio a/b of two such lists, pair by pair. */
export function ratio(a: readonly number[], b: readonly number[]): Spread {
  return spread(a.map((value, i) => value / (b[i] ?? Number.NaN)));
}

/** Times two commands in turns; milliseconds, and the ratio a/b. */
export async function inTurns(a: TimedCommand, b: TimedCommand, rounds: number) {
  const [first = [], second = []] = await times([a, b], rounds);
  return { a: spread(first), b: spread(second), ratio: ratio(first, second) };
}
