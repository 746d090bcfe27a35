// A timeline as SVG. Lanes stand at percentages and text has a fixed size, so that one drawing is right on a phone and on a
// projector: nothing is scaled, only the arrows grow longer. No scripts, no style attributes, nothing from outside.
import { atText } from "../describe.ts";
import { kindOf } from "./lanes.ts";
import { livesOf } from "./lives.ts";
import type { Lane, Moment, Shown, Timeline } from "./model.ts";
import { timelineStyles } from "./styles.ts";
import { sentences } from "./text.ts";

export interface SvgOptions {
  /** Makes ids unique on a page with several drawings: letters, digits and `-`. Default `timeline`. */
  prefix?: string;
  /**
   * `embedded` (default): the drawing carries its style sheet, and stands alone. `none`: the page has `timelineStyles`, as a
   * content security policy without `unsafe-inline` wants it.
   */
  styles?: "embedded" | "none";
}

/** Where the first and the last lane stand, in percent of the width; the times are on the left of them. */
const firstLane = 23;
const lastLane = 90;
/** How far a band stands out over the outer lanes, in percent. */
const overhang = 3;
/** What a phone gives to the drawing, and the width of a letter, in pixels. Words are broken to fit there. */
const narrow = 340;
const letter = 6.3;
const boldLetter = 7;
const titleLetter = 8.6;

const lineHeight = 15;
const titleLine = 19;

/**
 * The timeline as one `<svg>` element of width 100 % and a height in pixels. Each moment is a `<g>` with `data-i`, its number,
 * and `data-t`, its time in milliseconds, in order; the text alternative is in `<desc>`.
 */
export function timelineSvg(timeline: Timeline, options: SvgOptions = {}): string {
  const { prefix = "timeline", styles = "embedded" } = options;
  const { lanes, moments } = timeline;
  const at = lanes.map((_, i) =>
    lanes.length === 1 ? 56 : firstLane + (i * (lastLane - firstLane)) / (lanes.length - 1),
  );
  const title = wrap(timeline.title, narrow - 24, titleLetter);
  const header = headers(lanes, at, 10 + title.length * titleLine);
  let y = header.bottom;
  const rows = moments.map((moment, i) => {
    // A long silence is part of the story: an ack wait, a reconnect.
    const quiet = i > 0 && moment.at - (moments[i - 1]?.at ?? 0) >= 100 ? 14 : 0;
    const drawn = row(moment, i, at, y + quiet, prefix);
    const top = y;
    y = drawn.bottom;
    return { svg: drawn.svg, top, middle: drawn.middle, bottom: y };
  });
  const height = Math.ceil(y + 10);
  const head = [
    `<svg xmlns="http://www.w3.org/2000/svg" class="tl" width="100%" height="${height}" role="img" aria-labelledby="${prefix}-title ${prefix}-desc">`,
    `<title id="${prefix}-title">${xml(timeline.title)}</title>`,
    `<desc id="${prefix}-desc">${xml(sentences(timeline).join("\n"))}</desc>`,
    ...(styles === "embedded" ? [`<style>${timelineStyles}</style>`] : []),
    markers(prefix),
    `<rect class="tl-paper" width="100%" height="100%" rx="10"/>`,
    ...title.map((line, i) => `<text class="tl-title" x="12" y="${22 + i * titleLine}">${xml(line)}</text>`),
  ];
  return [
    ...head,
    ...lifelines(timeline, at, header.bottom, rows),
    header.svg,
    ...rows.map(({ svg }) => svg),
    "</svg>",
    "",
  ].join("\n");
}

/** Several timelines below one another, as one document. */
export function timelinesSvg(timelines: readonly Timeline[]): string {
  if (timelines.length === 1) return timelineSvg(timelines[0] as Timeline);
  const space = 16;
  let y = 0;
  const drawings = timelines.map((timeline, i) => {
    const svg = timelineSvg(timeline, { prefix: `timeline-${i + 1}`, styles: "none" });
    const height = Number(/ height="(\d+)"/.exec(svg)?.[1]);
    const placed = svg.replace("<svg ", `<svg y="${y}" `);
    y += height + space;
    return placed;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="100%" height="${Math.max(0, y - space)}">`,
    `<style>${timelineStyles}</style>`,
    ...drawings,
    "</svg>",
    "",
  ].join("\n");
}

/** Lanes' names. They stand in two rows where they would touch on a phone. */
function headers(lanes: Lane[], at: number[], y: number): { svg: string; bottom: number } {
  const spacing = (((at[1] ?? 100) - (at[0] ?? 0)) / 100) * narrow;
  const longest = Math.max(...lanes.map((lane) => lane.title.length * boldLetter + 20));
  const rows = longest > spacing && lanes.length > 2 ? 2 : 1;
  const room = spacing * rows - 6;
  const kinds = lanes.some((lane) => kindOf(lane) !== "");
  const step = kinds ? 40 : 30;
  const svg = lanes.map((lane, i) => {
    const letters = Math.max(4, Math.floor((room - 16) / boldLetter));
    const title = lane.title.length > letters ? `${lane.title.slice(0, letters - 1)}…` : lane.title;
    const width = Math.round(title.length * boldLetter + 16);
    // The last lane's name stays inside on a phone.
    const shift = Math.max(0, Math.ceil(width / 2 - ((100 - (at[i] ?? 0)) / 100) * narrow + 4));
    const top = y + 6 + (i % rows) * step;
    const word = kindOf(lane);
    const kind = word && `<text class="tl-kind" y="34">${word}</text>`;
    return [
      `<svg x="${percent(at[i])}" y="${top}" overflow="visible"><g class="tl-lane tl-${lane.kind}"><title>${xml(lane.title)}</title>`,
      `<rect x="${-width / 2 - shift}" width="${width}" height="22" rx="${lane.kind === "client" ? 11 : 4}"/><text x="${-shift}" y="15">${xml(title)}</text>${kind}</g></svg>`,
    ].join("");
  });
  return { svg: svg.join("\n"), bottom: y + 6 + rows * step + 6 };
}

/** The lanes' lines, broken off where a lane is not alive. */
function lifelines(
  timeline: Timeline,
  at: number[],
  top: number,
  rows: { top: number; middle: number; bottom: number }[],
): string[] {
  const lives = livesOf(timeline);
  return at.flatMap((x, lane) => {
    const lines: string[] = [];
    const starts = lives[0]?.[lane] ?? true;
    let from: number | undefined = starts && !turned(timeline.moments[0], lane) ? top - 12 : undefined;
    const draw = (until: number) => {
      if (from !== undefined && until > from)
        lines.push(
          `<line class="tl-life" x1="${percent(x)}" y1="${from}" x2="${percent(x)}" y2="${until}"/>`,
        );
      from = undefined;
    };
    rows.forEach((row, i) => {
      const turn = turned(timeline.moments[i], lane);
      if (turn === "down") draw(row.middle);
      else if (turn === "up") from ??= row.middle;
      else if (lives[i]?.[lane]) from ??= row.top;
    });
    draw((rows.at(-1)?.bottom ?? top) + 4);
    return lines;
  });
}

function turned(moment: Shown | undefined, lane: number): "up" | "down" | undefined {
  if (!moment || moment.shape === "more" || !moment.turns?.lanes.includes(lane)) return undefined;
  return moment.turns.to;
}

function row(
  moment: Shown,
  i: number,
  at: number[],
  top: number,
  prefix: string,
): { svg: string; middle: number; bottom: number } {
  const group = (inner: string) =>
    [
      `<g class="tl-moment tl-${moment.shape} tl-is-${moment.tone}" data-i="${i}" data-t="${Math.round(moment.at * 1000) / 1000}">`,
      `<title>${xml(`${atText(moment.at)}: ${moment.detail}`)}</title>${inner}</g>`,
    ].join("");
  const time = (y: number) => `<text class="tl-time" x="10" y="${y}">${atText(moment.at)}</text>`;
  if (moment.shape === "more" || moment.shape === "band") {
    const lines = wrap(
      moment.shape === "more" ? moment.detail : moment.label,
      (narrow * (lastLane - firstLane + 2 * overhang)) / 100 - 12,
      letterOf(moment),
    );
    const height = lines.length * lineHeight + 8;
    const middle = top + 4 + height / 2;
    const box = `<rect class="tl-box" x="${percent(firstLane - overhang)}" y="${top + 4}" width="${percent(lastLane - firstLane + 2 * overhang)}" height="${height}" rx="5"/>`;
    const words = text(lines, (firstLane + lastLane) / 2, "middle", 0, top + 8 + lineHeight);
    return {
      svg: group(`${moment.shape === "band" ? time(middle + 4) : ""}${box}${words}`),
      middle,
      bottom: top + height + 9,
    };
  }
  const from = at[moment.from] as number;
  const to = at[moment.to] as number;
  const left = Math.min(from, to);
  const right = Math.max(from, to);
  // On the left stand the times.
  const wrapped = (percents: number) => wrap(moment.label, (percents * narrow) / 100 - 10, letterOf(moment));
  const rightwards = wrapped(98 - left);
  const leftwards = wrapped(right - 18);
  // Words begin where the message does, unless they need more lines there than from the other side.
  const startsLeft = moment.shape === "mark" ? from <= 50 : from < to;
  const fromLeft = rightwards.length === leftwards.length ? startsLeft : rightwards.length < leftwards.length;
  const lines = fromLeft ? rightwards : leftwards;
  const gap = moment.shape === "mark" && moment.tone === "bad" ? 12 : 9;
  const words = text(
    lines,
    fromLeft ? left : right,
    fromLeft ? "start" : "end",
    fromLeft ? gap : -gap,
    top + lineHeight,
  );
  if (moment.shape === "mark") {
    const y = top + 11;
    const sign =
      moment.tone === "bad"
        ? cross(from, y)
        : `<circle class="tl-dot" cx="${percent(from)}" cy="${y}" r="4"/>`;
    return {
      svg: group(`${time(y + 4)}${words}${sign}`),
      middle: y,
      bottom: top + lines.length * lineHeight + 7,
    };
  }
  const y = top + lines.length * lineHeight + 8;
  return {
    svg: group(`${time(y + 4)}${words}${arrow(moment, from, to, y, prefix)}`),
    middle: y,
    bottom: y + 8,
  };
}

/** Warnings and losses are set in bold. */
function letterOf({ tone }: Shown): number {
  return tone === "warn" || tone === "bad" ? boldLetter : letter;
}

function arrow(moment: Moment, from: number, to: number, y: number, prefix: string): string {
  // What does not arrive stops on its way.
  const end = moment.fate === "arrives" ? to : from + (to - from) * 0.62;
  const head = moment.fate === "arrives" ? ` marker-end="url(#${prefix}-${moment.tone})"` : "";
  const line = `<line class="tl-line${moment.fate === "held" ? " tl-held" : ""}" x1="${percent(from)}" y1="${y}" x2="${percent(end)}" y2="${y}"${head}/>`;
  const start = `<circle class="tl-dot" cx="${percent(from)}" cy="${y}" r="2.5"/>`;
  if (moment.fate === "lost") return `${line}${start}${cross(end, y)}`;
  if (moment.fate === "held")
    return `${line}${start}<line class="tl-line" x1="${percent(end)}" y1="${y - 6}" x2="${percent(end)}" y2="${y + 6}"/>`;
  return `${line}${start}`;
}

function cross(x: number, y: number): string {
  return `<svg x="${percent(x)}" y="${y}" overflow="visible"><path class="tl-cross" d="M-5-5L5 5M5-5L-5 5"/></svg>`;
}

function text(lines: string[], x: number, anchor: "start" | "middle" | "end", dx: number, y: number): string {
  const shift = dx === 0 ? "" : ` dx="${dx}"`;
  const side = anchor === "start" ? "" : ` text-anchor="${anchor}"`;
  return lines
    .map(
      (line, i) =>
        `<text class="tl-words" x="${percent(x)}"${shift} y="${round(y - 4 + i * lineHeight)}"${side}>${xml(line)}</text>`,
    )
    .join("");
}

/** One arrow head for each tone, since a marker does not take the colour of its line in every browser. */
function markers(prefix: string): string {
  const heads = ["plain", "good", "warn", "bad", "muted"].map(
    (tone) =>
      `<marker id="${prefix}-${tone}" class="tl-is-${tone}" viewBox="0 0 10 10" refX="10" refY="5" markerWidth="9" markerHeight="9" markerUnits="userSpaceOnUse" orient="auto"><path class="tl-head" d="M0 0.5L10 5L0 9.5z"/></marker>`,
  );
  return `<defs>${heads.join("")}</defs>`;
}

/** Words in lines that fit a width in pixels: as few as can be, and those of about one length. */
function wrap(words: string, width: number, one: number): string[] {
  const room = Math.max(12, Math.floor(width / one));
  const pieces = words.split(" ").map((word) => (word.length > room ? `${word.slice(0, room - 1)}…` : word));
  let lines = filled(pieces, room);
  const longest = Math.max(...pieces.map((piece) => piece.length));
  for (let tighter = room - 1; lines.length > 1 && tighter >= longest; tighter--) {
    const tried = filled(pieces, tighter);
    if (tried.length > lines.length) break;
    lines = tried;
  }
  return lines;
}

/** Each line takes as many words as it has room for. */
function filled(pieces: readonly string[], room: number): string[] {
  const lines: string[] = [];
  for (const piece of pieces) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + piece.length > room) lines.push(piece);
    else lines[lines.length - 1] = `${last} ${piece}`;
  }
  return lines;
}

function percent(value: number | undefined): string {
  return `${round(value ?? 0)}%`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function xml(value: string): string {
  // What XML 1.0 cannot hold at all would make the whole drawing unreadable.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to remove.
  const legal = value.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "\ufffd");
  return legal
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
