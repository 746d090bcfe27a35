// What the search knows: the words of every part of every lesson, the beliefs and the glossary. The browser makes the index of it, when somebody
// searches: the words are half the size of an index.
import type { Context, ShownLesson } from "./pages/context.ts";
import type { Entry } from "./pages/reference.ts";

/** Short names: there are hundreds of these. */
export interface Found {
  /** The page, with its anchor, from the site's root. */
  readonly u: string;
  /** The page's title. */
  readonly p: string;
  /** The part's heading. */
  readonly h: string;
  readonly t: string;
}

export function searchable({ lessons, keep }: Context, entries: readonly Entry[]): Found[] {
  return [
    ...lessons.flatMap((lesson) => keep(`words of ${lesson.id}`, [lesson], () => wordsOf(lesson))),
    ...lessons.flatMap((lesson) =>
      lesson.beliefs.map(({ id, belief }) => ({
        u: `mistakes.html#${lesson.id}-${id}`,
        p: "Mistakes",
        h: `“${belief}”`,
        t: id,
      })),
    ),
    ...entries.map(({ id, name, means }) => ({ u: `glossary.html#${id}`, p: "Glossary", h: name, t: means })),
  ];
}

function wordsOf({ document, page, label, matter }: ShownLesson): Found[] {
  return document
    .body()
    .words()
    .map(({ heading, text }) => ({
      u: page + (heading ? `#${heading.id}` : ""),
      p: `${label}: ${matter.title}`,
      h: heading?.text ?? matter.title,
      t: heading ? text.trim() : `${matter.summary} ${text.trim()}`,
    }));
}
