// What the templates of the pages work with.
import type { SiteLesson } from "../course.ts";
import type { Html } from "../html.ts";
import type { Links, Origin } from "../links.ts";
import type { Document } from "../markdown/document.ts";

export interface ShownLesson extends SiteLesson {
  readonly document: Document;
  /** `Lesson 03` */
  readonly label: string;
}

export interface Context {
  readonly lessons: readonly ShownLesson[];
  readonly links: Links;
  readonly repository: string;
  /** The course's own README. */
  readonly readme: Document;
  readonly code: (code: string, language: string) => Promise<Html>;
  /** Some markdown of one line, without a paragraph around it. */
  readonly inline: (markdown: string) => Html;
  readonly named: (file: string) => string;
}

export function linkTo(context: Context, from: string, to: string, origin: Origin, anchor = ""): string {
  return context.links.to(from, to, anchor, origin);
}
