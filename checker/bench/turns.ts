// Times commands in turns (A B A B …), so that a machine whose speed drifts treats them alike.
import { execa } from "execa";

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
}

/** Milliseconds of a whole process. */
async function once({ command: [file, ...args], cwd, status }: TimedCommand): Promise<number> {
  const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;
  const from = performance.now();
  const { exitCode, all } = await execa(file, args, {
    cwd,
    env,
    extendEnv: false,
    reject: false,
    all: true,
    stdin: "ignore",
  });
  const took = performance.now() - from;
  if (exitCode !== status) throw new Error(`${file} ${args.join(" ")} ended with ${exitCode}:\n${all}`);
  return took;
}

/** Times two commands in turns after one warm-up each; milliseconds, and the ratio a/b pair by pair. */
export async function inTurns(a: TimedCommand, b: TimedCommand, rounds: number) {
  await once(a);
  await once(b);
  const pairs: { a: number; b: number }[] = [];
  for (let round = 0; round < rounds; round++) pairs.push({ a: await once(a), b: await once(b) });
  return {
    a: spread(pairs.map((pair) => pair.a)),
    b: spread(pairs.map((pair) => pair.b)),
    ratio: spread(pairs.map((pair) => pair.a / pair.b)),
  };
}
