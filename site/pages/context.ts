// What the templates of the pages work with.
import type { SiteLesson } from "../course.ts";
import type { Html } from "../html.ts";
import type { Links, Origin } from "../links.ts";
import type { Document } from "../markdown/document.ts";

export interface ShownLesson extends SiteLesson {
  readonly document: Document;
  /** `Lesson 03` */
  readonly label: string;
  /** The answers with their code as HTML. */
  readonly shown: {
    readonly solution: Html;
    readonly alternatives: readonly { readonly name: string; readonly trades: string; readonly code: Html }[];
  };
}

export interface Context {
  readonly lessons: readonly ShownLesson[];
  readonly links: Links;
  readonly repository: string;
  /** The course's own README. */
  readonly readme: Document;
  /** Some markdown of one line, without a paragraph around it. */
  readonly inline: (markdown: string) => Html;
  readonly named: (file: string) => string;
  /** A part of a page, with links in it: made again only when what it is made from has changed. */
  readonly keep: <T>(name: string, from: readonly unknown[], make: () => T) => T;
}

export function linkTo(context: Context, from: string, to: string, origin: Origin, anchor = ""): string {
  return context.links.to(from, to, anchor, origin);
}
