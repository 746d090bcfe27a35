// Finds the learner's own line in a stack trace.
import type { Location } from "./finding.ts";

let exerciseFile = "";

/** Tells which file the learner wrote; stack traces name it, because the program is loaded with its source map. */
export function setExerciseFile(path: string): void {
  exerciseFile = path.replaceAll("\\", "/");
}

/** The topmost line of the learner's file in a stack trace, if there is one. */
export function learnerLine(stack: string | undefined): Location | undefined {
  if (!stack || !exerciseFile) return undefined;
  for (const line of stack.split("\n")) {
    const at = line.replaceAll("\\", "/").indexOf(exerciseFile);
    if (at < 0) continue;
    const place = /^:(\d+):(\d+)/.exec(line.slice(at + exerciseFile.length));
    if (place) return { line: Number(place[1]), column: Number(place[2]) };
  }
  return undefined;
}
