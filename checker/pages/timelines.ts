// The timelines that stand in a lesson's README: recorded from a real run of the program that the page names.
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { EnvironmentTrouble } from "../course/errors.ts";
import type { Lesson } from "../course/lessons.ts";
import { grade } from "../grading/grade.ts";
import type { FoundProgram } from "../nats/install/find.ts";
import type { WireEvent } from "../wire/events.ts";
import { loadTimeline, saveTimeline, storyOf } from "../wire/timeline/json.ts";
import { type Timeline, timelineOf } from "../wire/timeline/model.ts";
import { timelineSvg } from "../wire/timeline/svg.ts";

/** `<!-- timeline file="mistakes/x.ts" check="name of the check" -->`, and below it an image. */
export interface MarkedTimeline {
  readonly lesson: Lesson;
  /** The program that is graded. */
  readonly file: string;
  readonly check: string;
  /** The clients that are drawn; undefined: all. */
  readonly only: readonly string[] | undefined;
  /** What the image line shows. */
  readonly svg: string;
  /** The same as a document, beside it. */
  readonly json: string;
}

/** As many lines as fit on a page beside its words. */
const most = 24;

const marker = /^<!-- timeline (.*?) -->\n!\[[^\]]*\]\(([^)\s]+\.svg)\)$/gm;

/**
 * The marked timelines of a page.
 * @throws Error when a marker has no image below it, or does not say what to record
 */
export function timelinesIn(lesson: Lesson): MarkedTimeline[] {
  const markdown = readFileSync(lesson.readme, "utf8").replaceAll("\r\n", "\n");
  const found = [...markdown.matchAll(marker)].map((match) => {
    const attributes = Object.fromEntries(
      [...(match[1] ?? "").matchAll(/(\w+)="([^"]*)"/g)].map((parts): [string, string] => [
        parts[1] ?? "",
        parts[2] ?? "",
      ]),
    );
    const { file, check, only } = attributes;
    if (!file || !check) throw new Error(`${lesson.readme}: a timeline needs file="…" and check="…".`);
    const svg = join(dirname(lesson.readme), match[2] ?? "");
    return {
      lesson,
      file: join(lesson.solutions, file),
      check,
      only: only?.split(",").map((name) => name.trim()),
      svg,
      json: svg.replace(/\.svg$/, ".json"),
    };
  });
  if (found.length !== markdown.split("<!-- timeline ").length - 1) {
    throw new Error(`${lesson.readme}: below a timeline's marker stands its image: ![…](timelines/x.svg).`);
  }
  return found;
}

/**
 * Grades the program and makes the timeline of the check.
 * @throws EnvironmentTrouble when the check did not run
 */
export async function record(marked: MarkedTimeline, server: FoundProgram): Promise<Timeline> {
  const { lesson, file, check, only } = marked;
  const { journals } = await grade({ lesson, file, server });
  const journal = journals.get(check);
  if (!journal) {
    throw new EnvironmentTrouble(
      `${lesson.readme}: the run of ${basename(file)} has no check "${check}"; it has ${[...journals.keys()].map((name) => `"${name}"`).join(", ") || "none"}.`,
      "Mend the marker of the timeline, then run the command again.",
    );
  }
  return timelineOf(journal, { title: titleOf(check), most, only: (event) => tells(event, only) });
}

function titleOf(check: string): string {
  return check.charAt(0).toUpperCase() + check.slice(1);
}

function tells(event: WireEvent, only: MarkedTimeline["only"]): boolean {
  if (event.kind === "ping" || event.kind === "pong" || event.kind === "info") return false;
  // A program is there when it connects.
  if (event.kind === "program" && event.what === "started") return false;
  if (only === undefined) return true;
  if (event.kind === "program") return only.includes(event.client ?? event.name);
  return event.connection === undefined || (event.client !== undefined && only.includes(event.client));
}

/** The timeline that the page has now; undefined when it has none, or one that cannot be read. */
export function kept({ json }: MarkedTimeline): Timeline | undefined {
  try {
    return loadTimeline(JSON.parse(readFileSync(json, "utf8")));
  } catch {
    return undefined;
  }
}

/** Whether two recordings tell the same story; when it happened, and random names, do not count. */
export function sameStory(a: Timeline, b: Timeline): boolean {
  return JSON.stringify(storyOf(a)) === JSON.stringify(storyOf(b));
}

/** The files of a timeline as they should be. */
export function filesOf(marked: MarkedTimeline, timeline: Timeline): { path: string; text: string }[] {
  const prefix = `${marked.lesson.id}-${basename(marked.svg, ".svg")}`;
  return [
    { path: marked.json, text: `${JSON.stringify(saveTimeline(timeline), null, 1)}\n` },
    { path: marked.svg, text: timelineSvg(timeline, { prefix }) },
  ];
}

/** Whether a file is there with this text. */
export function holds({ path, text }: { path: string; text: string }): boolean {
  return existsSync(path) && readFileSync(path, "utf8").replaceAll("\r\n", "\n") === text;
}
