// Builds the lesson site: reads the course, makes every page, checks every link, and writes a folder that any static host can serve.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { parse } from "yaml";
import { assets } from "./assets.ts";
import { Cache } from "./cache.ts";
import { readCourse, root, type SiteLesson, textOf } from "./course.ts";
import { raw } from "./html.ts";
import { Kept } from "./kept.ts";
import { Links } from "./links.ts";
import { codeBlock, Reader } from "./markdown/document.ts";
import { highlight } from "./markdown/highlight.ts";
import { commandsPage } from "./pages/commands.ts";
import type { Context, ShownLesson } from "./pages/context.ts";
import { homePage } from "./pages/home.ts";
import { layout, type Page } from "./pages/layout.ts";
import { lessonPage } from "./pages/lesson.ts";
import { mistakesPage } from "./pages/mistakes.ts";
import { type Entry, glossaryPage, instructorsPage, missingPage, streamingPage } from "./pages/reference.ts";
import { solutionPage } from "./pages/solution.ts";
import { searchable } from "./search.ts";

export interface SiteOptions {
  /** The course. Default: the one that this file belongs to. */
  readonly courseRoot?: string;
  /** The site's address without its host, for the 404 page alone: a host shows that at any depth. Default `./`. */
  readonly base?: string;
  /** Pages load again when the server says so. */
  readonly reload?: boolean;
  /** Keeps highlighted code between builds. Default `.learn-nats/site-cache.json` in the course. */
  readonly cacheFile?: string;
}

export interface BuildOptions extends SiteOptions {
  /** The folder to write. What is in it and not of this build is removed. Default `site/dist`. */
  readonly out?: string;
}

/** Path from the site's root, and the text. */
type Files = ReadonlyMap<string, string>;

export interface Built {
  readonly out: string;
  readonly files: Files;
}

const repository = "https://github.com/learn-nats/learn-nats";
/** The file by which a folder is known as a lesson site. */
const mark = "search-index.js";

/** @throws BrokenLinks when a link, an anchor or an image leads nowhere; nothing is written then */
export async function buildSite(options: BuildOptions = {}): Promise<Built> {
  const out = options.out ?? join(options.courseRoot ?? root, "site", "dist");
  const files = await new Site(options).make();
  write(out, files);
  return { out, files };
}

/** Makes the site's files, again and again: then only what changed is made anew. */
export class Site {
  private readonly courseRoot: string;
  private readonly base: string;
  private readonly reload: boolean;
  private readonly cache: Cache;
  private readonly kept = new Kept();
  private readonly links = new Links();

  constructor({ courseRoot = root, base = "./", reload = false, cacheFile }: SiteOptions = {}) {
    this.courseRoot = courseRoot;
    this.base = base;
    this.reload = reload;
    this.cache = new Cache(cacheFile ?? join(courseRoot, ".learn-nats", "site-cache.json"));
  }

  /** @throws BrokenLinks when a link, an anchor or an image leads nowhere */
  async make(): Promise<Files> {
    this.kept.begin();
    this.links.begin();
    try {
      const files = await this.files();
      this.links.check(files);
      this.cache.save();
      return files;
    } catch (error) {
      // What mends it may be a file that nothing here looks at again.
      this.kept.clear();
      throw error;
    }
  }

  private async files(): Promise<Files> {
    const { courseRoot, cache, kept, base, reload } = this;
    const [course, made] = await Promise.all([readCourse(courseRoot, cache, kept), assets(reload)]);
    const glossary = textOf(join(courseRoot, "site", "glossary.yaml"));
    const entries = kept.of("glossary", [glossary], () => entriesOf(glossary));
    const places = course.map(({ readme, page }) => `${readme} ${page}`).join("\n");
    const reader = kept.of("reader", [entries, places], () => this.reader(course, entries));
    const lessons = await Promise.all(
      course.map((lesson) => kept.of(`show ${lesson.id}`, [lesson, reader], () => this.show(lesson, reader))),
    );
    const read = (file: string) => {
      const markdown = textOf(file);
      return kept.of(`read ${file}`, [markdown, reader], () => reader.read({ file, markdown, firstLine: 1 }));
    };
    const context: Context = {
      lessons,
      links: this.links,
      repository,
      readme: await read(join(courseRoot, "README.md")),
      inline: (markdown) => raw(reader.md.renderInline(markdown)),
      named: (file) => reader.named(file),
      keep: (name, from, make) => {
        const { made, written } = kept.of(name, from, () => this.links.during(make));
        this.links.add(written);
        return made;
      },
    };
    const instructors = await read(join(courseRoot, "site", "pages", "instructors.md"));
    const all: Page[] = [
      homePage(context),
      ...lessons.map((lesson, i) => {
        const around = [lessons[i - 1], lessons[i + 1]].flatMap((each) => [each?.page, each?.matter.title]);
        return context.keep(lesson.page, [lesson, ...around], () => lessonPage(context, lesson));
      }),
      ...lessons.map((lesson) =>
        context.keep(lesson.solutionPage, [lesson], () => solutionPage(context, lesson)),
      ),
      mistakesPage(context),
      streamingPage(context),
      glossaryPage(context, entries),
      commandsPage(context),
      instructorsPage(context, instructors),
      missingPage(base),
    ];
    const files = new Map<string, string>([
      // First: it marks the folder as a lesson site, even when the writing breaks off.
      [mark, `globalThis.learnNatsPages=${JSON.stringify(searchable(context, entries))};\n`],
      ...made.files,
    ]);
    for (const page of all)
      files.set(page.path, layout(page, { repository, base, assets: made.names, reload }));
    files.set(".nojekyll", "");
    return files;
  }

  private reader(course: readonly SiteLesson[], entries: readonly GlossaryEntry[]): Reader {
    const { courseRoot, links, cache } = this;
    const readme = join(courseRoot, "README.md");
    const sections = new Map([
      ["commands", "commands.html"],
      ["when-something-is-in-the-way", "commands.html"],
    ]);
    const pages = new Map(course.map((lesson) => [lesson.readme, lesson.page]));
    return new Reader({
      root: courseRoot,
      links,
      cache,
      terms: entries.filter(({ link }) => link !== false),
      repository,
      pageOf: (file, hash) =>
        pages.get(file) ?? (file === readme ? (sections.get(hash) ?? "index.html") : undefined),
    });
  }

  private async show(lesson: SiteLesson, reader: Reader): Promise<ShownLesson> {
    const code = async (text: string) =>
      raw(codeBlock(raw(await highlight(text.trimEnd(), "ts", this.cache))));
    return {
      ...lesson,
      label: `Lesson ${String(lesson.number).padStart(2, "0")}`,
      document: await reader.read(lesson.source, { withTerms: true }),
      shown: {
        solution: await code(lesson.solution),
        alternatives: await Promise.all(
          lesson.alternatives.map(async (each) => ({ ...each, code: await code(each.code) })),
        ),
      },
    };
  }
}

interface GlossaryEntry extends Entry {
  /** `false` for a word that also means something else: it is not linked. */
  readonly link?: boolean;
}

function entriesOf(glossary: string): GlossaryEntry[] {
  const entries = parse(glossary) as (Omit<GlossaryEntry, "id" | "also"> & {
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
  if (existsSync(out) && readdirSync(out).length > 0 && !existsSync(join(out, mark)))
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
