// What the site reads of the course: each lesson with its page, its answers and its mistakes.
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { type Belief, beliefsOf } from "../checker/course/beliefs.ts";
import { allLessons, type FrontMatter, type Lesson, readReadme } from "../checker/course/lessons.ts";
import { root } from "../checker/course/places.ts";
import { readableSolution } from "../checker/course/starter.ts";
import type { Cache } from "./cache.ts";
import type { Kept } from "./kept.ts";
import type { Source } from "./markdown/document.ts";

export { type Lesson, root };

export interface Mistake {
  /** The belief's id. */
  readonly belief: string;
  /** The file's name without its ending. */
  readonly name: string;
  /** Why it looks right, from the comment that the file begins with. */
  readonly why: string;
  readonly file: string;
}

export interface Alternative {
  readonly name: string;
  /** What it trades, from the comment that it begins with. */
  readonly trades: string;
  readonly code: string;
}

export interface SiteLesson extends Lesson {
  readonly matter: FrontMatter;
  readonly source: Source;
  readonly solution: string;
  readonly alternatives: readonly Alternative[];
  readonly mistakes: readonly Mistake[];
  readonly beliefs: readonly Belief[];
  /** The lesson's page, as a path from the site's root. */
  readonly page: string;
  readonly solutionPage: string;
}

/** Every lesson with what the site shows of it: the same object as long as no file of it changes. */
export async function readCourse(courseRoot: string, cache: Cache, kept: Kept): Promise<SiteLesson[]> {
  return Promise.all(
    allLessons(courseRoot).map((lesson) =>
      kept.of(`read ${lesson.folder}`, [stateOf(lesson.path), stateOf(lesson.solutions)], () =>
        readLesson(courseRoot, lesson, cache),
      ),
    ),
  );
}

async function readLesson(courseRoot: string, lesson: Lesson, cache: Cache): Promise<SiteLesson> {
  const { matter, body } = readReadme(lesson);
  const whole = textOf(lesson.readme);
  return {
    ...lesson,
    matter,
    source: {
      file: lesson.readme,
      markdown: body,
      firstLine: whole.slice(0, whole.length - body.length).split("\n").length,
    },
    solution: readableSolution(lesson),
    alternatives: sources(lesson, "alternatives").map(({ name, text }) => ({ name, ...opening(text) })),
    mistakes: sources(lesson, "mistakes").flatMap(({ name, text, file }) => {
      const { trades: comment } = opening(text);
      const parts = /^Mistake: (\S+)\s+Fails: (.*)$/s.exec(comment.split("\n").slice(0, 2).join("\n"));
      const why = comment.split("\n").slice(2).join("\n");
      return parts?.[1] ? [{ belief: parts[1], name, why, file: relative(courseRoot, file) }] : [];
    }),
    beliefs: await cache.of("beliefs-1", textOf(lesson.checks), () => beliefsOf(lesson)),
    page: `lessons/${lesson.folder}.html`,
    solutionPage: `lessons/${lesson.folder}-solution.html`,
  };
}

/** Changes when a file of the folder does. */
function stateOf(folder: string): string {
  if (!existsSync(folder)) return "";
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .sort()
    .map((name) => {
      const { mtimeMs, size } = statSync(join(folder, name));
      return `${name} ${mtimeMs} ${size}`;
    })
    .join("\n");
}

function sources(lesson: Lesson, kind: string): { name: string; file: string; text: string }[] {
  const folder = join(lesson.solutions, kind);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith(".ts"))
    .sort()
    .map((name) => ({ name: name.slice(0, -3), file: join(folder, name), text: textOf(join(folder, name)) }));
}

/** The comment that a file begins with, and the code below it. */
function opening(text: string): { trades: string; code: string } {
  const lines = text.split("\n");
  const end = lines.findIndex((line) => !line.startsWith("//"));
  const comment = lines.slice(0, end).map((line) => line.replace(/^\/\/ ?/, ""));
  return { trades: comment.join("\n"), code: lines.slice(end).join("\n").trimStart() };
}

export function textOf(file: string): string {
  return readFileSync(file, "utf8").replaceAll("\r\n", "\n");
}
