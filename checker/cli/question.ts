// Asks something in the terminal, and waits for one line.
import { createInterface } from "node:readline";
import { UsageError } from "../course/errors.ts";

/** @throws UsageError with this advice when nobody can be asked */
export function wantTerminal(advice: string): void {
  if (process.stdin.isTTY !== true) throw new UsageError("There is no terminal to ask in.", advice);
}

/** Whether the answer is yes; anything else is no. */
export async function agreed(words: string, output?: NodeJS.WritableStream): Promise<boolean> {
  return /^y(es)?$/i.test((await question(words, output))?.trim() ?? "");
}

/** @returns undefined at the end of input; Ctrl+C ends the command as it does everywhere */
export function question(
  words: string,
  output: NodeJS.WritableStream = process.stderr,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const lines = createInterface({ input: process.stdin, output });
    // In a terminal readline takes Ctrl+C for itself.
    lines.once("SIGINT", () => {
      lines.close();
      output.write("\n");
      process.emit("SIGINT");
    });
    lines.once("close", () => resolve(undefined));
    lines.question(words, (answer) => {
      resolve(answer);
      lines.close();
    });
  });
}
