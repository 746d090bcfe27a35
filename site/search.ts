// What the search knows: the words of every part of every lesson, the beliefs and the glossary. The browser makes the index of it, when somebody
// searches: the words are half the size of an index.
import type { ShownLesson } from "./pages/context.ts";
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

export function searchable(lessons: readonly ShownLesson[], entries: readonly Entry[]): Found[] {
  return [
    ...lessons.flatMap((lesson) =>
      lesson.document
        .body()
        .words()
        .map(({ heading, text }) => ({
          u: lesson.page + (heading ? `#${heading.id}` : ""),
          p: `${lesson.label}: ${lesson.matter.title}`,
          h: heading?.text ?? lesson.matter.title,
          t: heading ? text.trim() : `${lesson.matter.summary} ${text.trim()}`,
        })),
    ),
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
