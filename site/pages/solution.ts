// The solution of a lesson and the other right answers, behind a warning: reading them is not the way to learn it.
import { html } from "../html.ts";
import { type Context, linkTo, type ShownLesson } from "./context.ts";
import type { Page } from "./layout.ts";

export function solutionPage(context: Context, lesson: ShownLesson): Page {
  const path = lesson.solutionPage;
  const here = { file: "site/pages/solution.ts" };
  const { alternatives } = lesson.shown;
  return {
    path,
    kind: "solution",
    title: `Solution of ${lesson.label.toLowerCase()}`,
    description: `The reference solution of ${lesson.label.toLowerCase()}, ${lesson.matter.title}, and other right answers.`,
    previous: { path: lesson.page, title: `${lesson.label}: ${lesson.matter.title}` },
    main: html`<header class="head">
<p class="eyebrow">${lesson.label} · ${lesson.matter.title}</p>
<h1>The solution</h1>
</header>
<div class="warning" role="note"><p><strong>This gives the answer away.</strong> What you find out yourself, you keep. Before you open it:
<code class="short">npm run hint ${lesson.id}</code> gives a nudge, and the
<a href="${linkTo(context, path, lesson.page, here)}">lesson</a> has all that you need.</p></div>
<details class="answer"><summary>Show the solution</summary>
${lesson.shown.solution}</details>
${
  alternatives.length > 0 &&
  html`<h2 id="other-right-answers">Other right answers</h2>
<p>They pass the same checks, and trade one thing for another.</p>
`
}${alternatives.map(
  ({ name, trades, code }) => html`<h3 id="${name}">${words(name)}</h3>
<p>${context.inline(trades)}</p>
<details class="answer"><summary>Show “${words(name)}”</summary>
${code}</details>
`,
)}`,
  };
}

function words(name: string): string {
  const text = name.replaceAll("-", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}
