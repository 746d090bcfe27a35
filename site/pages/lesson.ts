// A lesson: its README, with a head above it and what comes after it below.
import { html } from "../html.ts";
import { type Context, linkTo, type ShownLesson } from "./context.ts";
import type { Page, Way } from "./layout.ts";

export function lessonPage(context: Context, lesson: ShownLesson): Page {
  const { matter, document, page } = lesson;
  const here = { file: context.named(lesson.readme) };
  const at = context.lessons.indexOf(lesson);
  const before = context.lessons[at - 1];
  const after = context.lessons[at + 1];
  return {
    path: page,
    kind: "lesson",
    title: `${matter.title} (${lesson.label.toLowerCase()})`,
    description: matter.summary,
    contents: document.headings.filter(({ level }) => level <= 3),
    ...(before && { previous: wayTo(before) }),
    ...(after && { next: wayTo(after) }),
    main: html`<header class="head">
<p class="eyebrow">${lesson.label} · ${matter.minutes} minutes</p>
<h1>${matter.title}</h1>
<p class="lead">${matter.summary}</p>
</header>
${document.body().render(page)}
<section class="after" aria-labelledby="when-you-are-done" data-lesson="${lesson.id}">
<h2 id="when-you-are-done">When you are done</h2>
<p class="tick"></p>
<p>Stuck? <code class="short">npm run hint ${lesson.id}</code> answers what your last check showed. The page of the
<a href="${linkTo(context, page, "mistakes.html", here, lesson.id)}">mistakes</a> has what others ran into. The
<a href="${linkTo(context, page, lesson.solutionPage, here)}">solution</a> is for afterwards.</p>
</section>`,
  };
}

function wayTo(lesson: ShownLesson): Way {
  return { path: lesson.page, title: lesson.matter.title };
}
