// The catalogue of mistakes: each belief that a check recognises, why it looks right, and what puts it right.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { html, raw } from "../html.ts";
import { timelineFigure } from "../markdown/timeline.ts";
import { type Context, linkTo, type ShownLesson } from "./context.ts";
import type { Page } from "./layout.ts";

const path = "mistakes.html";

export function mistakesPage(context: Context): Page {
  const all = context.lessons.reduce((sum, { beliefs }) => sum + beliefs.length, 0);
  return {
    path,
    kind: "reference",
    title: "The catalogue of mistakes",
    description:
      "What people believe about messaging that is not so: how it looks right, and what to do instead.",
    contents: context.lessons.map(({ id, label, matter }) => ({
      level: 2,
      id,
      text: `${label}: ${matter.title}`,
    })),
    main: html`<h1>The catalogue of mistakes</h1>
<p class="lead">${all} beliefs about messaging that sound right. Programs were written from each of them, and a real server showed what comes of it. The checks
of the lessons know them all: a verdict names the belief that it saw.</p>
${context.lessons.map((lesson) => context.keep(`mistakes of ${lesson.id}`, [lesson], () => ofLesson(context, lesson)))}`,
  };
}

function ofLesson(context: Context, lesson: ShownLesson) {
  const here = { file: context.named(lesson.checks) };
  return html`<h2 id="${lesson.id}"><a class="anchor" href="#${lesson.id}">${lesson.label}: ${lesson.matter.title}</a></h2>
${lesson.beliefs.map((belief) => {
  const programs = lesson.mistakes.filter((mistake) => mistake.belief === belief.id);
  const drawn = programs.find(({ name }) => existsSync(join(lesson.path, "timelines", `${name}.svg`)));
  const id = `${lesson.id}-${belief.id}`;
  const putRight = lesson.document.headings.find(({ id }) => id === belief.readme);
  return html`<section class="belief" aria-labelledby="${id}">
<h3 id="${id}">“${context.inline(belief.belief)}”</h3>
${programs.map(({ why }) => why !== "" && html`<p>${context.inline(why)}</p>\n`)}${
  drawn &&
  raw(
    timelineFigure(
      join(lesson.path, "timelines", `${drawn.name}.svg`),
      `What the program ${drawn.name}.ts did, as the wire showed it.`,
      `tl-${id}`,
    ),
  )
}${putRight && lesson.document.has(belief.readme) && html`<div class="instead"><p class="eyebrow">What is so</p>${lesson.document.section(belief.readme).firstParagraph().render(path)}</div>\n`}<p class="quiet"><a href="${linkTo(context, path, lesson.page, here, belief.readme)}">${putRight?.text ?? lesson.matter.title}</a> puts it right ·
${programs.map(({ file, name }, i) => html`${i > 0 && ", "}<a href="${context.repository}/blob/main/${file}"><code>${name}.ts</code></a>`)} · <code>${belief.id}</code></p>
</section>
`;
})}`;
}
