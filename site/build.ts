// Builds the lesson site: reads the course, makes every page, checks every link, and writes a folder that any static host can serve.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { parse } from "yaml";
import { assets } from "./assets.ts";
import { Cache } from "./cache.ts";
import { readCourse, root } from "./course.ts";
import { raw } from "./html.ts";
import { Links } from "./links.ts";
import { codeBlock, Reader } from "./markdown/document.ts";
import { highlight } from "./markdown/highlight.ts";
import type { Context, ShownLesson } from "./pages/context.ts";
import { homePage } from "./pages/home.ts";
import { layout, type Page } from "./pages/layout.ts";
import { lessonPage } from "./pages/lesson.ts";
import { mistakesPage } from "./pages/mistakes.ts";
import {
  commandsPage,
  type Entry,
  glossaryPage,
  instructorsPage,
  missingPage,
  streamingPage,
} from "./pages/reference.ts";
import { solutionPage } from "./pages/solution.ts";
import { searchable } from "./search.ts";

export interface BuildOptions {
  /** The course. Default: the one that this file belongs to. */
  readonly courseRoot?: string;
  /** The folder to write. What is in it and not of this build is removed. Default `site/dist`. */
  readonly out?: string;
  /** The site's address without its host, for the 404 page alone: a host shows that at any depth. Default `./`. */
  readonly base?: string;
  /** Pages load again when the server says so. */
  readonly reload?: boolean;
  /** Keeps highlighted code between builds. Default `.learn-nats/site-cache.json` in the course. */
  readonly cacheFile?: string;
}

export interface Built {
  readonly out: string;
  /** Path from the site's root, and the text. */
  readonly files: ReadonlyMap<string, string>;
}

const repository = "https://github.com/learn-nats/learn-nats";

/** @throws BrokenLinks when a link, an anchor or an image leads nowhere; nothing is written then */
export async function buildSite(options: BuildOptions = {}): Promise<Built> {
  const { courseRoot = root, base = "./", reload = false } = options;
  const out = options.out ?? join(courseRoot, "site", "dist");
  const cache = new Cache(options.cacheFile ?? join(courseRoot, ".learn-nats", "site-cache.json"));
  const files = await makeFiles(courseRoot, { cache, base, reload });
  write(out, files);
  cache.save();
  return { out, files };
}

async function makeFiles(
  courseRoot: string,
  { cache, base, reload }: { cache: Cache; base: string; reload: boolean },
): Promise<Map<string, string>> {
  const [course, made] = await Promise.all([readCourse(courseRoot, cache), assets(reload)]);
  const links = new Links();
  const entries = readGlossary(join(courseRoot, "site", "glossary.yaml"));
  const readme = join(courseRoot, "README.md");
  const sections = new Map([
    ["commands", "commands.html"],
    ["when-something-is-in-the-way", "commands.html"],
  ]);
  const pages = new Map(course.map((lesson) => [lesson.readme, lesson.page]));
  const reader = new Reader({
    root: courseRoot,
    links,
    cache,
    terms: entries.filter(({ link }) => link !== false),
    repository,
    pageOf: (file, hash) =>
      pages.get(file) ?? (file === readme ? (sections.get(hash) ?? "index.html") : undefined),
  });
  const lessons: ShownLesson[] = await Promise.all(
    course.map(async (lesson) => ({
      ...lesson,
      label: `Lesson ${String(lesson.number).padStart(2, "0")}`,
      document: await reader.read(lesson.source, { withTerms: true }),
    })),
  );
  const readFile = (file: string) =>
    reader.read({ file, markdown: readFileSync(file, "utf8").replaceAll("\r\n", "\n"), firstLine: 1 });
  const context: Context = {
    lessons,
    links,
    repository,
    readme: await readFile(readme),
    code: async (code, language) => raw(codeBlock(raw(await highlight(code.trimEnd(), language, cache)))),
    inline: (markdown) => raw(reader.md.renderInline(markdown)),
    named: (file) => reader.named(file),
  };
  const all: Page[] = [
    homePage(context),
    ...lessons.map((lesson) => lessonPage(context, lesson)),
    ...(await Promise.all(lessons.map((lesson) => solutionPage(context, lesson)))),
    mistakesPage(context),
    streamingPage(context),
    glossaryPage(context, entries),
    commandsPage(context),
    instructorsPage(context, await readFile(join(courseRoot, "site", "pages", "instructors.md"))),
    missingPage(base),
  ];
  const files = new Map<string, string>(made.files);
  for (const page of all)
    files.set(page.path, layout(page, { repository, base, assets: made.names, reload }));
  files.set(
    "search-index.js",
    `globalThis.learnNatsPages=${JSON.stringify(searchable(lessons, entries))};\n`,
  );
  files.set(".nojekyll", "");
  links.check(files);
  return files;
}

interface GlossaryEntry extends Entry {
  /** `false` for a word that also means something else: it is not linked. */
  readonly link?: boolean;
}

function readGlossary(file: string): GlossaryEntry[] {
  const entries = parse(readFileSync(file, "utf8")) as (Omit<GlossaryEntry, "id" | "also"> & {
    also?: string[];
  })[];
  return entries.map((entry) => ({
    ...entry,
    id: entry.name.toLowerCase().replace(/[^a-z0-9]+/g, "-"),
    also: entry.also ?? [],
  }));
}

/** Writes what changed and removes what is not of this build. */
function write(out: string, files: ReadonlyMap<string, string>): void {
  if (existsSync(out) && readdirSync(out).length > 0 && !existsSync(join(out, "search-index.js")))
    throw new Error(`${out} holds something else than a lesson site; it is left alone.`);
  mkdirSync(out, { recursive: true });
  for (const entry of readdirSync(out, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath ?? entry.path, entry.name);
    if (entry.isFile() && !files.has(relative(out, path).split(sep).join("/"))) rmSync(path);
  }
  for (const [path, text] of files) {
    const file = join(out, path);
    if (existsSync(file) && readFileSync(file, "utf8") === text) continue;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}
