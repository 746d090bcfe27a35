// A markdown file as the site reads it: parsed once, cut into its parts, each rendered for the page that it stands on. The
// markdown is what GitHub shows, too; raw HTML in it stays text, but for comments.
import { existsSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import markdownIt, { type MarkdownIt, type Token } from "markdown-it";
import anchor from "markdown-it-anchor";
import type { Cache } from "../cache.ts";
import { type Html, html, raw } from "../html.ts";
import type { Links, Origin } from "../links.ts";
import { highlight } from "./highlight.ts";
import { linkTerms, type Term } from "./terms.ts";
import { timelineFigure } from "./timeline.ts";

export interface Source {
  readonly file: string;
  readonly markdown: string;
  /** The line of the file that the markdown begins in, from 1. */
  readonly firstLine: number;
}

export interface Heading {
  readonly level: number;
  readonly id: string;
  readonly text: string;
}

export interface ReaderOptions {
  readonly root: string;
  readonly links: Links;
  readonly cache: Cache;
  /** The page of the site that shows a file of the repository. */
  readonly pageOf: (file: string, hash: string) => string | undefined;
  readonly terms: readonly Term[];
  readonly repository: string;
}

/** What is known of an image that is a paragraph of its own. */
interface Image {
  readonly src: string;
  readonly alt: string;
  readonly line: number;
  /** A comment above it says that it is recorded, so it may not be there yet. */
  readonly marked: boolean;
}

interface Rendering {
  readonly reader: Reader;
  readonly source: Source;
  readonly page: string;
}

/** Some markdown, ready to be rendered. */
export class Document {
  readonly headings: readonly Heading[];
  private readonly source: Source;
  private readonly tokens: Token[];
  private readonly reader: Reader;

  constructor(reader: Reader, source: Source, tokens: Token[]) {
    this.reader = reader;
    this.source = source;
    this.tokens = tokens;
    this.headings = tokens.flatMap((token, i) =>
      token.type === "heading_open" && token.attrGet("id")
        ? [{ level: Number(token.tag[1]), id: String(token.attrGet("id")), text: plain(tokens[i + 1]) }]
        : [],
    );
  }

  /** What stands between the first heading and the second. */
  opening(): Document {
    const first = this.tokens.findIndex((token) => token.type === "heading_close");
    const next = this.tokens.findIndex((token, i) => i > first && token.type === "heading_open");
    return this.part(first + 1, next === -1 ? this.tokens.length : next);
  }

  /** Everything but the page's own heading. */
  body(): Document {
    return this.part(
      this.tokens.findIndex((token) => token.type === "heading_close") + 1,
      this.tokens.length,
    );
  }

  /**
   * What stands below a heading, down to the next of its level.
   * @throws Error when there is no such heading
   */
  section(id: string): Document {
    const open = this.tokens.findIndex(
      (token) => token.type === "heading_open" && token.attrGet("id") === id,
    );
    if (open === -1)
      throw new Error(`${this.source.file} has no heading #${id}, which the site shows a part of.`);
    const level = this.tokens[open]?.tag ?? "";
    const next = this.tokens.findIndex(
      (token, i) => i > open && token.type === "heading_open" && token.tag <= level,
    );
    return this.part(open + 3, next === -1 ? this.tokens.length : next);
  }

  /** What stands before the first table, and what stands behind it. */
  aroundTable(): [Document, Document] {
    const open = this.tokens.findIndex((token) => token.type === "table_open");
    const close = this.tokens.findIndex((token) => token.type === "table_close");
    if (open === -1)
      throw new Error(`${this.source.file} has no table, which the site puts its own in the place of.`);
    return [this.part(0, open), this.part(close + 1, this.tokens.length)];
  }

  has(id: string): boolean {
    return this.headings.some((heading) => heading.id === id);
  }

  /** The first paragraph alone. */
  firstParagraph(): Document {
    const open = this.tokens.findIndex((token) => token.type === "paragraph_open");
    const close = this.tokens.findIndex((token) => token.type === "paragraph_close");
    return this.part(open, close + 1);
  }

  /** The words of each part, for the search. */
  words(): { heading: Heading | undefined; text: string }[] {
    const parts: { heading: Heading | undefined; text: string }[] = [{ heading: undefined, text: "" }];
    let heading = 0;
    this.tokens.forEach((token, i) => {
      if (token.type === "heading_open") parts.push({ heading: this.headings[heading++], text: "" });
      const inHeading = this.tokens[i - 1]?.type === "heading_open";
      const last = parts.at(-1);
      if (token.type === "inline" && !inHeading && last) last.text += `${plain(token)} `;
    });
    return parts.filter((part) => part.text !== "" || part.heading);
  }

  /** @param page the page that it is to stand on, for the links in it */
  render(page: string): Html {
    const { reader, source } = this;
    return raw(reader.md.renderer.render(this.tokens, reader.md.options, { reader, source, page }));
  }

  private part(from: number, to: number): Document {
    return new Document(this.reader, this.source, this.tokens.slice(from, to));
  }
}

export class Reader {
  readonly md: MarkdownIt;
  readonly options: ReaderOptions;

  constructor(options: ReaderOptions) {
    this.options = options;
    this.md = markdownIt({ html: false, linkify: false, typographer: false });
    this.md.use(anchor as never, {
      slugify: githubSlug,
      tabIndex: false,
      permalink: anchor.permalink.headerLink({ class: "anchor" }),
      level: [2, 3, 4],
    });
    readComments(this.md);
    const { rules } = this.md.renderer;
    rules.fence = (tokens, i) => String(tokens[i]?.meta?.html ?? "");
    rules.code_block = (tokens, i) => codeBlock(html`${tokens[i]?.content ?? ""}`);
    // A command or a subject is not broken at its hyphens, where it is short enough for a phone.
    rules.code_inline = (tokens, i) => {
      const code = tokens[i]?.content ?? "";
      return code.length <= 24
        ? html`<code class="short">${code}</code>`.text
        : html`<code>${code}</code>`.text;
    };
    rules.comment = () => "";
    rules.timeline = (tokens, i, _options, env) => {
      const { source, page } = env as unknown as Rendering;
      const { src, alt, marked, line } = (tokens[i] as Token).meta as unknown as Image;
      const file = join(dirname(source.file), src);
      const origin = { file: this.named(source.file), line };
      if (!marked && !existsSync(file)) this.options.links.broken(origin, `there is no image ${src}`);
      return timelineFigure(file, alt, `tl-${page.replace(/\W+/g, "-")}-${i}`);
    };
    rules.table_open = () => '<div class="wide" role="group" aria-label="Table" tabindex="0"><table>\n';
    rules.table_close = () => "</table></div>\n";
    rules.link_open = (tokens, i, options, env, self) => {
      // A copy: the same token may be rendered for another page, too.
      const token = Object.assign(Object.create(Object.getPrototypeOf(tokens[i])), tokens[i]) as Token;
      token.attrs = (token.attrs ?? []).map(([name, value]) => [name, value]);
      this.rewrite(token, env as unknown as Rendering);
      return self.renderToken([token], 0, options);
    };
  }

  /** @param withTerms links the words of the glossary */
  async read(source: Source, { withTerms = false } = {}): Promise<Document> {
    const tokens = this.md.parse(source.markdown, {});
    for (const token of tokens) {
      if (token.type !== "inline" || !token.map) continue;
      let line = source.firstLine + token.map[0];
      for (const child of token.children ?? []) {
        child.meta = { ...child.meta, line };
        if (child.type === "softbreak" || child.type === "hardbreak") line++;
      }
    }
    const { Token: TokenClass } = new this.md.core.State("", this.md, {});
    if (withTerms)
      linkTerms(tokens, this.options.terms, (type, tag, nesting) => new TokenClass(type, tag, nesting));
    for (const token of tokens) {
      if (token.type === "fence") token.meta = { html: await this.fence(token) };
      tidyCell(token, tokens);
    }
    return new Document(this, source, images(tokens));
  }

  /** A file as messages name it. */
  named(file: string): string {
    return relative(this.options.root, file).split(sep).join("/");
  }

  private async fence({ content, info }: Token): Promise<string> {
    const [language = "", mark] = info.trim().split(/\s+/);
    const code = codeBlock(raw(await highlight(content.trimEnd(), language, this.options.cache)));
    // A prediction: what the program above prints is for the reader to say first.
    return mark === "output"
      ? html`<details class="output"><summary>What does it print? Say it first, then look.</summary>${raw(code)}</details>\n`
          .text
      : code;
  }

  private rewrite(token: Token, { source, page }: Rendering): void {
    const href = String(token.attrGet("href") ?? "");
    const origin: Origin = { file: this.named(source.file), line: token.meta?.line as number | undefined };
    const { links, pageOf, repository, root } = this.options;
    if (href.startsWith("glossary:")) {
      token.attrSet("href", links.to(page, "glossary.html", href.slice("glossary:".length), origin));
      return;
    }
    if (/^[a-z]+:/i.test(href)) {
      if (!href.startsWith("https://")) links.broken(origin, `a link outside is not https: ${href}`);
      return;
    }
    // The permalink of a heading has no line, and leads to the page that it stands on.
    if (token.attrGet("class") === "anchor") return;
    const [path = "", hash = ""] = href.split("#");
    const file = path === "" ? source.file : resolve(dirname(source.file), decodeURI(path));
    const target = pageOf(file, hash);
    if (target !== undefined) token.attrSet("href", links.to(page, target, hash, origin));
    else if (existsSync(file) && !relative(root, file).startsWith(".."))
      token.attrSet("href", `${repository}/blob/main/${this.named(file)}`);
    else links.broken(origin, `there is no file ${href}`);
  }
}

/** A block of code, with the inside given as HTML. */
export function codeBlock(code: Html): string {
  return html`<div class="code"><pre tabindex="0"><code>${code}</code></pre></div>\n`.text;
}

/** The anchor that GitHub gives to a heading. */
function githubSlug(text: string): string {
  return text
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .replaceAll(" ", "-");
}

/** `<!-- … -->` on a line of its own: not shown, and kept for what comes below it. */
function readComments(md: MarkdownIt): void {
  md.block.ruler.before("paragraph", "comment", (state, startLine, _endLine, silent) => {
    const start = (state.bMarks[startLine] ?? 0) + (state.tShift[startLine] ?? 0);
    const line = state.src.slice(start, state.eMarks[startLine]);
    if (!/^<!--.*-->\s*$/.test(line)) return false;
    if (silent) return true;
    const token = state.push("comment", "", 0);
    token.content = line.slice(4, line.lastIndexOf("-->")).trim();
    state.line = startLine + 1;
    return true;
  });
}

/** A paragraph that is one image becomes a figure. */
function images(tokens: Token[]): Token[] {
  const kept: Token[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i] as Token;
    const inside = tokens[i + 1]?.children ?? [];
    const image = inside[0];
    if (token.type === "paragraph_open" && inside.length === 1 && image?.type === "image") {
      const above = tokens[i - 1];
      token.type = "timeline";
      token.tag = "";
      token.nesting = 0;
      token.meta = {
        src: image.attrGet("src"),
        alt: image.content,
        line: image.meta?.line,
        marked: above?.type === "comment" && above.content.startsWith("timeline "),
      };
      kept.push(token);
      i += 2;
    } else kept.push(token);
  }
  return kept;
}

/** Alignment as a class (the page allows no style attributes), and a heading cell without a heading as a plain one. */
function tidyCell(token: Token, tokens: Token[]): void {
  if (!/^t[hd]_open$/.test(token.type)) return;
  const side = /text-align:(\w+)/.exec(String(token.attrGet("style") ?? ""))?.[1];
  token.attrs = side === undefined ? [] : [["class", side]];
  const at = tokens.indexOf(token);
  const close = tokens[at + 2];
  if (token.tag !== "th" || !close) return;
  if (tokens[at + 1]?.content !== "") {
    token.attrSet("scope", "col");
    return;
  }
  token.tag = "td";
  close.tag = "td";
}

function plain(token: Token | undefined): string {
  return (token?.children ?? [])
    .map((child) =>
      child.type === "text" || child.type === "code_inline"
        ? child.content
        : child.type === "softbreak"
          ? " "
          : "",
    )
    .join("");
}
