// The page that gathers what lessons say about NATS Streaming, the glossary, the page for instructors, and the 404.
import { html } from "../html.ts";
import type { Document } from "../markdown/document.ts";
import type { Term } from "../markdown/terms.ts";
import { type Context, linkTo } from "./context.ts";
import type { Page } from "./layout.ts";

export interface Entry extends Term {
  /** Markdown. */
  readonly means: string;
  /** The lesson that teaches it. */
  readonly lesson?: string;
}

const sideBySide = "nats-streaming-side-by-side";

export function streamingPage(context: Context): Page {
  const path = "nats-streaming.html";
  const lessons = context.lessons.filter(({ document }) => document.has(sideBySide));
  return {
    path,
    kind: "reference",
    title: "NATS Streaming beside JetStream",
    description: "What each idea of NATS Streaming became in NATS and JetStream, side by side.",
    contents: lessons.map(({ id, matter }) => ({ level: 2, id, text: matter.title })),
    main: html`<h1>NATS Streaming beside JetStream</h1>
<p class="lead">NATS Streaming is no longer developed; JetStream is what came after it. Each lesson ends with a comparison of the two. Here they are
together.</p>
${lessons.map(
  (
    lesson,
  ) => html`<h2 id="${lesson.id}"><a class="anchor" href="#${lesson.id}">${lesson.matter.title}</a></h2>
${lesson.document.section(sideBySide).render(path)}
<p class="quiet">From <a href="${linkTo(context, path, lesson.page, { file: context.named(lesson.readme) }, sideBySide)}">${lesson.label.toLowerCase()}</a></p>
`,
)}`,
  };
}

export function glossaryPage(context: Context, entries: readonly Entry[]): Page {
  const path = "glossary.html";
  const here = { file: "site/glossary.yaml" };
  const sorted = [...entries].sort((a, b) => (a.id < b.id ? -1 : 1));
  return {
    path,
    kind: "reference",
    title: "Glossary",
    description: "The words of NATS and JetStream, each in one or two sentences.",
    main: html`<h1>Glossary</h1>
<p class="lead">The words of NATS, each in one or two sentences. Lessons link a word here where they use it first.</p>
<dl class="glossary">
${sorted.map(({ id, name, means, lesson }) => {
  const teaches = context.lessons.find((each) => each.id === lesson);
  return html`<dt id="${id}">${name}</dt>
<dd>${context.inline(means)}${teaches && html` <a class="quiet" href="${linkTo(context, path, teaches.page, here)}">${teaches.label}</a>`}</dd>
`;
})}</dl>`,
  };
}

export function instructorsPage(context: Context, document: Document): Page {
  const path = "instructors.html";
  const here = { file: "site/pages/instructors.md" };
  return {
    path,
    kind: "reference",
    title: "For instructors",
    description: "How to hold a workshop with this course: time, preparation, and what to talk about.",
    main: html`<h1>For instructors</h1>
${document.body().render(path)}
<h2 id="the-lessons-and-their-time">The lessons and their time</h2>
<div class="wide" role="group" aria-label="The lessons and their time" tabindex="0"><table>
<thead><tr><th scope="col">lesson</th><th scope="col" class="right">minutes</th><th scope="col">ideas</th></tr></thead>
<tbody>
${context.lessons.map(
  (
    lesson,
  ) => html`<tr><td><a href="${linkTo(context, path, lesson.page, here)}">${lesson.label}: ${lesson.matter.title}</a></td><td class="right">${lesson.matter.minutes}</td><td>${lesson.matter.concepts.join(", ")}</td></tr>
`,
)}</tbody>
</table></div>`,
  };
}

export function missingPage(base: string): Page {
  return {
    path: "404.html",
    kind: "missing",
    title: "No such page",
    description: "There is no page at this address.",
    main: html`<h1>No such page</h1>
<p class="lead">There is nothing at this address. It is mistyped, or the page has moved.</p>
<p><a href="${base}index.html">All lessons</a> · <a href="${base}glossary.html">Glossary</a></p>`,
  };
}
