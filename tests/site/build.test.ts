// The site as files: the same bytes each time, right links, valid HTML, and nothing that asks another host.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, posix } from "node:path";
import { gzipSync } from "node:zlib";
import { HtmlValidate } from "html-validate";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { allLessons } from "../../checker/course/lessons.ts";
import { root } from "../../checker/course/places.ts";
import { type Built, buildSite, Site } from "../../site/build.ts";

const folder = mkdtempSync(join(tmpdir(), "learn-nats-site-test-"));
const cacheFile = join(folder, "cache.json");
let built: Built;
let pages: [path: string, text: string][];

beforeAll(async () => {
  built = await buildSite({ out: join(folder, "one"), cacheFile });
  pages = [...built.files].filter(([path]) => path.endsWith(".html"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the built site", () => {
  test("has a page for every lesson and its solution, and the pages that gather", () => {
    const names = pages.map(([path]) => path);
    for (const lesson of allLessons())
      expect(names).toEqual(
        expect.arrayContaining([`lessons/${lesson.folder}.html`, `lessons/${lesson.folder}-solution.html`]),
      );
    expect(names).toEqual(
      expect.arrayContaining([
        "index.html",
        "mistakes.html",
        "nats-streaming.html",
        "glossary.html",
        "commands.html",
        "instructors.html",
        "404.html",
      ]),
    );
  });

  test("is the same bytes when it is built again, with the cache and without it", async () => {
    const again = await buildSite({ out: join(folder, "two"), cacheFile });
    const cold = await buildSite({ out: join(folder, "three"), cacheFile: join(folder, "none.json") });
    for (const [path, text] of built.files) {
      expect(again.files.get(path) === text, `${path} differs with the cache`).toBe(true);
      expect(cold.files.get(path) === text, `${path} differs without the cache`).toBe(true);
    }
    expect([...cold.files.keys()]).toEqual([...built.files.keys()]);
  });

  test("has only links that lead somewhere, and all of them relative", () => {
    const wrong: string[] = [];
    const ids = new Map(pages.map(([path, text]) => [path, idsIn(text)]));
    for (const [path, text] of pages) {
      for (const [, target = ""] of text.matchAll(/\s(?:href|src)="([^"]*)"/g)) {
        if (target.startsWith("https://")) continue;
        const [file = "", anchor] = target.split("#");
        const to = file === "" ? path : posix.join(posix.dirname(path), file);
        if (file.startsWith("/") || !built.files.has(to)) wrong.push(`${path}: ${target}`);
        else if (anchor && !ids.get(to)?.includes(anchor)) wrong.push(`${path}: ${target}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test("gives no id twice on a page", () => {
    for (const [path, text] of pages) {
      const ids = idsIn(text);
      expect(
        ids.filter((id, i) => ids.indexOf(id) !== i),
        path,
      ).toEqual([]);
    }
  });

  test("is valid HTML", async () => {
    const validator = new HtmlValidate({
      extends: ["html-validate:recommended"],
      rules: {
        // Matters of taste: a small doctype, and as many characters in a title as it needs.
        "doctype-style": "off",
        "long-title": "off",
        "void-style": "off",
        // The drawings are SVG, whose names have capitals.
        "attr-case": "off",
        // What scrolls sideways must be reached by the keyboard, and what says so is its role.
        "prefer-native-element": "off",
        "no-redundant-role": "off",
      },
    });
    const problems: string[] = [];
    for (const [path, text] of pages) {
      const { results } = await validator.validateString(text, path);
      for (const { messages } of results)
        for (const { line, column, ruleId, message } of messages)
          problems.push(`${path}:${line}:${column} ${ruleId}: ${message}`);
    }
    expect(problems).toEqual([]);
  });

  test("needs at most 20 kB compressed for the first load of a lesson", () => {
    const load = (path: string) => gzipSync(built.files.get(path) ?? "").length;
    const shared = load("styles.css") + load("theme.js") + load("client.js");
    for (const lesson of allLessons())
      expect(load(`lessons/${lesson.folder}.html`) + shared, lesson.folder).toBeLessThanOrEqual(20_000);
  });

  test("says a strict content security policy on every page, and holds it", () => {
    for (const [path, text] of pages) {
      const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(text)?.[1] ?? "";
      expect(policy, path).toContain("script-src");
      expect(policy, path).not.toMatch(/unsafe|https?:|\*/);
      expect(text, path).not.toMatch(/<style|\sstyle="|<script>|\son\w+="/);
    }
  });
});

describe("a site that is made again", () => {
  test("has the bytes of a whole build, whatever changed", async () => {
    const copy = copyOfTheCourse("changing");
    const site = new Site({ courseRoot: copy, cacheFile });
    const first = await site.make();
    const [one, two] = allLessons(copy);
    const changes: [file: string, change: (text: string) => string][] = [
      [one?.readme ?? "", (text) => text.replace(/^title: .*$/m, "title: Another title")],
      [two?.readme ?? "", (text) => `${text}\nA word more, with [a link](../01-at-most-once/README.md).\n`],
      [two?.readme ?? "", (text) => text],
      [join(one?.solutions ?? "", "solution.ts"), (text) => `${text}export const more = 1;\n`],
      [
        join(copy, "site", "glossary.yaml"),
        (text) => `${text}- name: hub\n  means: Where parcels are sorted.\n`,
      ],
      [join(copy, "README.md"), (text) => text.replace("## Start\n", "## Start\n\nOne more sentence.\n")],
    ];
    let before = first;
    for (const [file, change] of changes) {
      const text = readFileSync(file, "utf8");
      writeFileSync(file, change(text));
      const now = await site.make();
      const whole = await new Site({ courseRoot: copy, cacheFile }).make();
      for (const [path, expected] of whole)
        expect(now.get(path) === expected, `${path} after ${file}`).toBe(true);
      expect([...now.keys()]).toEqual([...whole.keys()]);
      if (change(text) !== text) expect([...now.values()], file).not.toEqual([...before.values()]);
      before = now;
    }
  });

  test("is well as soon as what was missing is there", async () => {
    const copy = copyOfTheCourse("mending");
    const file = allLessons(copy)[0]?.readme ?? "";
    writeFileSync(file, `${readFileSync(file, "utf8")}\n[a note](notes.txt)\n`);
    const site = new Site({ courseRoot: copy, cacheFile });
    await expect(site.make()).rejects.toThrow("there is no file notes.txt");
    await expect(site.make()).rejects.toThrow("there is no file notes.txt");
    writeFileSync(join(file, "..", "notes.txt"), "here\n");
    expect((await site.make()).size).toBe(built.files.size);
  });
});

describe("a course with a mistake in it", () => {
  test("is not built: each broken link, anchor and image is named with file and line", async () => {
    const copy = copyOfTheCourse("course");
    const [first] = allLessons(copy);
    const file = first?.readme ?? "";
    const text = readFileSync(file, "utf8");
    const line = text.split("\n").length;
    writeFileSync(
      file,
      `${text}\n[one](../99-nothing/README.md)\n[two](#nowhere)\nand [three](http://example.com)\n\n![four](pictures/none.svg)\n`,
    );
    const out = join(folder, "four");
    await expect(buildSite({ courseRoot: copy, out, cacheFile })).rejects.toMatchObject({
      problems: expect.arrayContaining([
        expect.stringContaining(`README.md:${line + 1}: there is no file ../99-nothing/README.md`),
        expect.stringContaining(
          `README.md:${line + 2}: lessons/${first?.folder}.html has no heading #nowhere`,
        ),
        expect.stringContaining(`README.md:${line + 3}: a link outside is not https`),
        expect.stringContaining(`README.md:${line + 5}: there is no image pictures/none.svg`),
      ]),
    });
  });

  test("a folder that holds something else is left alone", async () => {
    writeFileSync(join(folder, "precious.txt"), "mine");
    await expect(buildSite({ out: folder, cacheFile })).rejects.toThrow("left alone");
    expect(readFileSync(join(folder, "precious.txt"), "utf8")).toBe("mine");
  });
});

function copyOfTheCourse(name: string): string {
  const copy = join(folder, name);
  for (const part of ["README.md", "LICENSE", "CONTRIBUTING.md", "lessons", "solutions", "site"])
    cpSync(join(root, part), join(copy, part), {
      recursive: true,
      filter: (from) => !from.includes("node_modules") && !from.endsWith("dist"),
    });
  return copy;
}

function idsIn(text: string): string[] {
  return [...text.matchAll(/\sid="([^"]+)"/g)].map((match) => match[1] ?? "");
}
