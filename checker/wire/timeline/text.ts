// A timeline for the terminal: a column for each lane, an arrow for each message, and words beside it.
import { atText } from "../describe.ts";
import { kindOf } from "./lanes.ts";
import { livesOf } from "./lives.ts";
import type { Lane, Shown, Timeline, Tone } from "./model.ts";

export interface TextOptions {
  /** Columns of the terminal; at most 100 are used. Default 100. */
  width?: number;
  /** Colours by ANSI codes. Default false. */
  colour?: boolean;
  /** Sentences without any drawing, for screen readers and logs. Default false. */
  plain?: boolean;
}

/** The timeline as text, without a line break at its end. */
export function timelineText(timeline: Timeline, options: TextOptions = {}): string {
  const { plain = false, colour = false } = options;
  const width = Math.max(40, Math.min(100, options.width ?? 100));
  const paint = colour ? painted : (text: string) => text;
  return (plain ? sentences(timeline) : drawing(timeline, width, paint)).join("\n");
}

/** One sentence for each moment; also the text alternative of the SVG. */
export function sentences(timeline: Timeline): string[] {
  const lines = timeline.moments.map((moment) => `${atText(moment.at)}: ${sentence(moment, timeline.lanes)}`);
  return timeline.leftOut > 0 ? [...lines, leftOut(timeline)] : lines;
}

function sentence(moment: Shown, lanes: Lane[]): string {
  if (moment.shape === "more") return `${moment.detail}, until ${atText(moment.until)}`;
  if (moment.shape === "band") return moment.detail;
  const from = nameOf(lanes[moment.from]);
  if (moment.shape === "mark") return `${from}: ${moment.detail}`;
  return `${from} to ${nameOf(lanes[moment.to])}: ${moment.detail}`;
}

function nameOf(lane: Lane | undefined): string {
  if (!lane) return "";
  return `${kindOf(lane)} ${lane.title}`.trimStart();
}

function leftOut({ leftOut }: Timeline): string {
  return `The run was too long to keep: ${leftOut} events in its middle were left out.`;
}

const timeWidth = 10;

function drawing(timeline: Timeline, width: number, paint: Paint): string[] {
  const { lanes, moments } = timeline;
  // Beside the drawing stay at least 34 columns for words.
  const room = width - timeWidth - 34;
  const gap = Math.max(6, Math.min(16, Math.floor(room / Math.max(1, lanes.length - 1)), longest(lanes) + 3));
  const at = lanes.map((_, i) => timeWidth + Math.floor(gap / 2) + i * gap);
  const textAt = (at.at(-1) ?? timeWidth) + Math.max(3, Math.floor(gap / 2));
  const head = heading(lanes, at, gap, width, paint);
  const life = livesOf(timeline);
  const lines = moments.flatMap((moment, i) => row(moment, life[i] ?? [], at, textAt, width, paint));
  return [...head, ...lines, ...(timeline.leftOut > 0 ? [paint(leftOut(timeline), "muted")] : [])];
}

function longest(lanes: Lane[]): number {
  return Math.max(...lanes.map((lane) => Math.max(lane.title.length, kindOf(lane).length - 1)), 4);
}

/** Titles over their lanes, in two rows where they would touch, and below what a lane is when it is not a client. */
function heading(lanes: Lane[], at: number[], gap: number, width: number, paint: Paint): string[] {
  const tight = lanes.length > 2 && longest(lanes) > gap - 1;
  const rows = [new Canvas(width), ...(tight ? [new Canvas(width)] : [])];
  const kind = new Canvas(width);
  let free = 0;
  lanes.forEach((lane, i) => {
    const column = at[i] as number;
    const room = tight ? Math.min(2 * gap - 1, 2 * column) : gap - 1;
    rows[i % rows.length]?.centre(column, cut(lane.title, room), "strong");
    // A line leads from a title of the upper row to its lane.
    if (tight && i % 2 === 0) rows[1]?.put(column, "│", "muted");
    const word = kindOf(lane);
    const start = column - Math.floor(word.length / 2);
    if (word === "" || start < free) return;
    kind.put(start, word, "muted");
    free = start + word.length + 1;
  });
  return [...rows, kind].filter((canvas) => !canvas.blank).map((canvas) => canvas.text(paint));
}

function row(
  moment: Shown,
  alive: boolean[],
  at: number[],
  textAt: number,
  width: number,
  paint: Paint,
): string[] {
  const canvas = new Canvas(width);
  const [first, last] = [at[0] as number, at.at(-1) as number];
  const lines = (on: Canvas, line: string) => {
    at.forEach((column, lane) => {
      on.put(column, alive[lane] ? line : " ", "muted");
    });
  };
  lines(canvas, moment.shape === "more" ? "┊" : "│");
  if (moment.shape !== "more") canvas.put(0, atText(moment.at).padStart(timeWidth - 2), "muted");
  if (moment.shape === "band") {
    for (let column = first; column <= last; column++) canvas.put(column, "━", moment.tone);
  } else if (moment.shape === "mark") {
    canvas.put(at[moment.from] as number, moment.tone === "bad" ? "╳" : "●", moment.tone);
  } else if (moment.shape === "arrow") {
    drawArrow(canvas, at[moment.from] as number, at[moment.to] as number, moment.fate, moment.tone);
  }
  const words =
    moment.shape === "more" ? moreWords(moment.label, moment.detail, 2 * (width - textAt)) : moment.label;
  const [line = "", ...rest] = wrap(words, width - textAt);
  canvas.put(textAt, line, moment.tone);
  const more = rest.map((text) => {
    const next = new Canvas(width);
    lines(next, "│");
    next.put(textAt, text, moment.tone);
    return next.text(paint);
  });
  return [canvas.text(paint), ...more];
}

function drawArrow(
  canvas: Canvas,
  from: number,
  to: number,
  fate: "arrives" | "held" | "lost",
  tone: Tone,
): void {
  const right = to > from;
  const step = right ? 1 : -1;
  // What does not arrive stops half-way.
  const end = fate === "arrives" ? to : from + step * Math.max(2, Math.floor((Math.abs(to - from) * 2) / 3));
  canvas.put(from, right ? "├" : "┤", tone);
  for (let column = from + step; column !== end; column += step)
    canvas.put(column, fate === "held" ? "╌" : "─", tone);
  if (fate === "arrives") canvas.put(end - step, right ? "▶" : "◀", tone);
  else canvas.put(end, fate === "lost" ? "╳" : "┤", tone);
}

function moreWords(label: string, detail: string, room: number): string {
  return detail.length <= room ? detail : label;
}

/** Words in lines of at most so many columns. */
function wrap(text: string, room: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > room) {
      lines.push(line);
      line = `  ${word}`;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  lines.push(line);
  return lines.map((one) => cut(one, room));
}

function cut(text: string, room: number): string {
  return text.length <= room ? text : `${text.slice(0, Math.max(0, room - 1))}…`;
}

type Style = Tone | "strong";
type Paint = (text: string, style: Style) => string;

const codes: Record<Style, string> = {
  plain: "",
  good: "32",
  warn: "33",
  bad: "31",
  muted: "2",
  strong: "1",
};

function painted(text: string, style: Style): string {
  return codes[style] === "" ? text : `\u001b[${codes[style]}m${text}\u001b[0m`;
}

/** One line of characters, each with its style. */
class Canvas {
  readonly #cells: { character: string; style: Style }[] = [];

  constructor(readonly width: number) {}

  get blank(): boolean {
    return this.#cells.length === 0;
  }

  put(column: number, text: string, style: Style): void {
    let at = column;
    for (const character of text) {
      if (at >= this.width) return;
      while (this.#cells.length < at) this.#cells.push({ character: " ", style: "plain" });
      this.#cells[at++] = { character, style };
    }
  }

  centre(column: number, text: string, style: Style): void {
    this.put(Math.max(0, column - Math.floor(text.length / 2)), text, style);
  }

  text(paint: Paint): string {
    let line = "";
    for (let i = 0; i < this.#cells.length; ) {
      const style = this.#cells[i]?.style ?? "plain";
      let run = "";
      while (i < this.#cells.length && this.#cells[i]?.style === style) run += this.#cells[i++]?.character;
      line += run.trim() === "" ? run : paint(run, style);
    }
    return line.trimEnd();
  }
}
