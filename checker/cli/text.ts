// Text for terminals: wrapped, coloured where colour is wanted, never wider than 100 columns.
import pc from "picocolors";

/** Colours for what goes to stdout; none for a pipe or with NO_COLOR. */
export const colours = pc.createColors(
  process.stdout.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== "dumb",
);

/** Columns to write in: the terminal's, or what COLUMNS says for a pipe. */
export function columns(): number {
  return Math.max(40, Math.min(process.stdout.columns || Number(process.env.COLUMNS) || 100, 100));
}

/** Wraps plain text at words; a word that is too long stays whole. */
export function wrap(text: string, indent = 0, width = columns()): string {
  const pad = " ".repeat(indent);
  const lines: string[] = [];
  for (const paragraph of text.split("\n")) {
    let line = /^ */.exec(paragraph)?.[0] ?? "";
    for (const word of paragraph.trimStart().split(" ")) {
      if (line.trim() && indent + line.length + 1 + word.length > width) {
        lines.push(pad + line);
        line = word;
      } else {
        line = line.trim() ? `${line} ${word}` : line + word;
      }
    }
    lines.push(pad + line);
  }
  return lines.map((line) => line.trimEnd()).join("\n");
}

/** Breaks a line of a diff at its spaces; what goes on below has the same sign, and stands further in. */
export function wrapCode(line: string, width = columns()): string[] {
  const [, sign = "", indent = ""] = /^([-+ ])(\s*)/.exec(line) ?? [];
  const further = `${sign}${indent}    `;
  const parts: string[] = [];
  let rest = line;
  while (rest.length > width) {
    const at = rest.lastIndexOf(" ", width);
    // Nothing but indentation before it: a word that is too long stays whole.
    if (at < 0 || rest.slice(1, at).trim() === "") break;
    parts.push(rest.slice(0, at));
    rest = further + rest.slice(at + 1);
  }
  return [...parts, rest];
}

/** Cuts a line that must not wrap. */
export function cut(line: string, width = columns()): string {
  return line.length > width ? `${line.slice(0, width - 1)}…` : line;
}

/** Where printed lines go while someone collects them. */
let collected: string[] | undefined;

export function print(text = ""): void {
  if (collected) collected.push(text);
  else process.stdout.write(`${text}\n`);
}

/** Runs a command and gives what it prints, for a screen that shows it at a place of its own. */
export async function printedBy(command: () => Promise<unknown>): Promise<string> {
  const lines: string[] = [];
  collected = lines;
  try {
    await command();
  } finally {
    collected = undefined;
  }
  return lines.join("\n");
}

/** How to do something from where the learner is: the key of the watch, which shows what a command prints, and else the command. */
export function byKey(key: string, command: string): string {
  return collected ? key : `\`${command}\``;
}

export function printError(text: string): void {
  process.stderr.write(`${text}\n`);
}
