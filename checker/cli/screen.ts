// A terminal's screen: a text of any length above a footer. Where the text has no room, a part of it is shown, and keys move through it.
import { stripVTControlCharacters } from "node:util";
import { colours as c, columns } from "./text.ts";

export type Move = "up" | "down" | "page up" | "page down";

export class Screen {
  /** The first line of the text that is shown. */
  #top = 0;
  #text = "";
  #footer: readonly string[] = [];
  #footerRows = 0;
  #away = false;

  /** Empties the screen. */
  open(): void {
    process.stdout.write("\u001b[2J\u001b[H");
  }

  /**
   * Draws all of it, line by line over what was there: nothing flickers.
   * @param from the line of the text that must be seen; without it, where the reader is
   */
  draw(text: string, footer: readonly string[], from?: number): void {
    this.#text = text.trimEnd();
    this.#footer = footer;
    if (from !== undefined) this.#top = from;
    if (this.#away) return;
    const lines = this.#text.split("\n");
    const room = this.room(footer);
    this.#top = Math.max(0, Math.min(this.#top, lastTop(lines, room)));
    const shown = fitting(lines.slice(this.#top), room);
    const below = lines.length - this.#top - shown.length;
    const foot = ["", ruler(this.#top, below), ...footer];
    this.#footerRows = foot.reduce((sum, line) => sum + height(line), 0);
    process.stdout.write(
      `\u001b[H${shown.map((line) => `${line}\u001b[K\n`).join("")}\u001b[J${foot.join("\n")}`,
    );
  }

  /** Rows that a text has above this footer. */
  room(footer: readonly string[]): number {
    return (process.stdout.rows || 24) - 2 - footer.reduce((sum, line) => sum + height(line), 0);
  }

  move(how: Move): void {
    const lines = this.#text.split("\n");
    const room = this.room(this.#footer);
    // A page keeps a line of the one before, to read on from.
    if (how === "page down") this.#top += Math.max(1, fitting(lines.slice(this.#top), room).length - 1);
    else if (how === "page up")
      this.#top -= Math.max(1, fitting(lines.slice(0, this.#top).reverse(), room).length - 1);
    else this.#top += how === "down" ? 1 : -1;
    this.draw(this.#text, this.#footer);
  }

  /** Leaves the whole terminal to someone else until they are done. */
  async lend(act: () => Promise<unknown>): Promise<void> {
    this.#away = true;
    this.open();
    try {
      await act();
    } finally {
      this.#away = false;
      this.open();
    }
  }

  /** Takes the footer away; what is written next stands below the text. */
  close(): void {
    if (this.#footerRows === 0) return;
    const up = this.#footerRows > 1 ? `\u001b[${this.#footerRows - 1}A` : "";
    process.stdout.write(`\r${up}\u001b[J`);
    this.#footerRows = 0;
  }
}

/** Rows of the terminal that a text takes. */
export function height(text: string): number {
  const width = process.stdout.columns || 80;
  return stripVTControlCharacters(text)
    .split("\n")
    .reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / width)), 0);
}

/** The first lines that have room. */
function fitting(lines: readonly string[], room: number): string[] {
  let left = room;
  const end = lines.findIndex((line) => {
    left -= height(line);
    return left < 0;
  });
  return lines.slice(0, end < 0 ? lines.length : Math.max(1, end));
}

/** With this line on top, the last one is the last on the screen. */
function lastTop(lines: readonly string[], room: number): number {
  return lines.length - fitting([...lines].reverse(), room).length;
}

/** The line between text and footer. It says what has no room, and how to get there. */
function ruler(above: number, below: number): string {
  const width = columns();
  const parts = [
    ...(below > 0 ? [`${below} more ${below === 1 ? "line" : "lines"}: space`] : []),
    ...(above > 0 ? [`${above} above: b`] : []),
  ];
  const words = parts.length > 0 ? `─── ${parts.join(" ─── ")} ` : "";
  return c.dim(words + "─".repeat(Math.max(0, width - words.length)));
}
