// The lessons on disk: finds them by their folders, reads their front matter, and resolves what a person types to one of them.
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, isAbsolute, join, relative, resolve } from "node:path";
import { closest, distance } from "fastest-levenshtein";
import { parse } from "yaml";
import { UsageError } from "./errors.ts";
import { root } from "./places.ts";

export interface Lesson {
  /** Permanent: `lesson-04`. */
  readonly id: string;
  readonly number: number;
  /** The folder's name without its number: `sequences`. */
  readonly name: string;
  /** The folder's name: `04-sequences`. */
  readonly folder: string;
  readonly path: string;
  /** What the learner edits. */
  readonly exercise: string;
  readonly checks: string;
  /** The scene that `npm run lab` plays; a lesson may have none. */
  readonly lab: string;
  readonly readme: string;
  /** The folder with the reference solution, the alternatives and the mistakes. */
  readonly solutions: string;
}

export interface FrontMatter {
  readonly title: string;
  readonly summary: string;
  /** What a learner knows after it, in one sentence. */
  readonly learnt: string;
  /** How long the lesson takes. */
  readonly minutes: number;
  readonly concepts: readonly string[];
  /** What the lesson needs beyond a server of its own: `server>=2.11`, `nats-cli`, `streaming-server`. */
  readonly needs: readonly string[];
}

const lessonFolder = /^(\d\d)-([a-z0-9-]+)$/;

/** All lessons, in their order. A folder is a lesson when it is named `NN-name` and holds checks. */
export function allLessons(courseRoot = root): Lesson[] {
  const lessons = join(courseRoot, "lessons");
  return readdirSync(lessons)
    .sort()
    .flatMap((folder) => {
      const parts = lessonFolder.exec(folder);
      const path = join(lessons, folder);
      if (!parts?.[1] || !parts[2] || !existsSync(join(path, "checks.ts"))) return [];
      return [
        {
          id: `lesson-${parts[1]}`,
          number: Number(parts[1]),
          name: parts[2],
          folder,
          path,
          exercise: join(path, "exercise.ts"),
          checks: join(path, "checks.ts"),
          lab: join(path, "lab.ts"),
          readme: join(path, "README.md"),
          solutions: join(courseRoot, "solutions", folder),
        },
      ];
    });
}

/**
 * The lesson that a person means by `lesson-04`, `04`, `4`, `sequences` or its folder's path.
 * @throws UsageError that names the nearest lesson when there is none such
 */
export function findLesson(typed: string, lessons = allLessons()): Lesson {
  const wanted = typed.trim();
  const asNumber = /^(?:lesson-?)?0*(\d+)$/i.exec(wanted)?.[1];
  const asFolder = basename(resolve(wanted));
  const found = lessons.find(
    (lesson) =>
      (asNumber !== undefined && lesson.number === Number(asNumber)) ||
      lesson.name === wanted.toLowerCase() ||
      lesson.folder === wanted.toLowerCase() ||
      (lesson.folder === asFolder && existsSync(resolve(wanted))) ||
      isFileIn(wanted, lesson.path),
  );
  if (found) return found;
  const names = lessons.flatMap((lesson) => [lesson.id, lesson.name]);
  const nearest = names.length > 0 ? closest(wanted.toLowerCase(), names) : undefined;
  const suggestion =
    nearest !== undefined && distance(wanted.toLowerCase(), nearest) <= Math.max(2, wanted.length / 2)
      ? `Did you mean ${nearest}? `
      : "";
  throw new UsageError(`There is no lesson "${wanted}".`, `${suggestion}\`npm run list\` shows them all.`);
}

function isFileIn(wanted: string, folder: string): boolean {
  const path = resolve(wanted);
  const inside = relative(folder, path);
  // On Windows a path to another drive stays as it is.
  const isOutside = inside === "" || inside.startsWith("..") || isAbsolute(inside);
  return !isOutside && existsSync(path) && statSync(path).isFile();
}

/** The lesson's hints, in their order. They stand apart from the README, where a reader would see them before the lesson. */
export function readHints(lesson: Lesson): readonly string[] {
  const file = join(lesson.path, "hints.yaml");
  return existsSync(file) ? (parse(readFileSync(file, "utf8")) as string[]) : [];
}

/** The front matter of a lesson's README and the text below it. */
export function readReadme(lesson: Lesson): { matter: FrontMatter; body: string } {
  const text = readFileSync(lesson.readme, "utf8").replaceAll("\r\n", "\n");
  const parts = /^---\n([\s\S]*?)\n---\n([\s\S]*)$/.exec(text);
  if (!parts) throw new Error(`${lesson.readme} does not begin with front matter between two lines of ---.`);
  const matter = parse(parts[1] ?? "") as Partial<FrontMatter>;
  return {
    matter: {
      title: matter.title ?? lesson.name,
      summary: matter.summary ?? "",
      learnt: matter.learnt ?? matter.summary ?? "",
      minutes: matter.minutes ?? 30,
      concepts: matter.concepts ?? [],
      needs: matter.needs ?? [],
    },
    body: parts[2] ?? "",
  };
}
