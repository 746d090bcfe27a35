// Random choices that are the same for the same number, on every machine.

export interface Random {
  /** From 0 to less than 1. */
  next(): number;
  /** A whole number, both ends included. */
  between(least: number, most: number): number;
  pick<T>(list: readonly T[]): T;
  /** Some of the list, in a random order. */
  some<T>(count: number, list: readonly T[]): T[];
}

/** Mulberry32: short, and random enough for names and places. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (least: number, most: number) => least + Math.floor(next() * (most - least + 1));
  const some = <T>(count: number, list: readonly T[]): T[] => {
    const left = [...list];
    return Array.from({ length: count }, () => left.splice(between(0, left.length - 1), 1)[0] as T);
  };
  return { next, between, some, pick: (list) => some(1, list)[0] as (typeof list)[number] };
}
