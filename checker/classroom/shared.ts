// Which messages of a learner hold code, so that taking it back can name them all.
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import writeFileAtomic from "write-file-atomic";

type Numbers = Record<string, readonly number[]>;

const fileIn = (home: string) => join(home, "shared.json");

/** The numbers of the messages in which this lesson's code was shared. */
export function sharedBefore(home: string, lesson: string): readonly number[] {
  return all(home)[lesson] ?? [];
}

export function writeShared(home: string, lesson: string, numbers: readonly number[]): void {
  mkdirSync(home, { recursive: true });
  writeFileAtomic.sync(fileIn(home), JSON.stringify({ ...all(home), [lesson]: numbers }), { mode: 0o600 });
}

function all(home: string): Numbers {
  try {
    return JSON.parse(readFileSync(fileIn(home), "utf8")) as Numbers;
  } catch {
    return {};
  }
}
