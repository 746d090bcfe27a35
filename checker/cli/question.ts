// Asks something in the terminal, and waits for one line.
import { createInterface } from "node:readline";

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
