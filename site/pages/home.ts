// The first page: what this is, for whom, how to start, and all lessons with what each makes you able to do.
import { html } from "../html.ts";
import { type Context, linkTo } from "./context.ts";
import type { Page } from "./layout.ts";

const path = "index.html";

export function homePage(context: Context): Page {
  const { lessons, readme } = context;
  const here = { file: "site/pages/home.ts" };
  const first = lessons[0];
  const minutes = lessons.reduce((sum, { matter }) => sum + matter.minutes, 0);
  return {
    path,
    kind: "home",
    title: "learn-nats: a guided course on NATS",
    description:
      "Short lessons on NATS in TypeScript. A checker runs your program against a real nats-server that crashes, freezes and comes back.",
    main: html`<h1>Learn NATS by watching it fail</h1>
<div class="lead">${readme.opening().render(path)}</div>
${first && html`<p class="start"><a class="button" href="${linkTo(context, path, first.page, here)}">Read ${first.label.toLowerCase()}</a></p>`}
<h2 id="lessons">The lessons</h2>
<p>${lessons.length} lessons, about ${Math.round(minutes / 60)} hours in all. What each one makes you able to do:</p>
<ol class="lessons">
${lessons.map(
  (
    lesson,
  ) => html`<li data-lesson="${lesson.id}"><a href="${linkTo(context, path, lesson.page, here)}"><span class="number">${String(lesson.number).padStart(2, "0")}</span> <span class="title">${lesson.matter.title}</span></a>
<p>${lesson.matter.summary} <span class="quiet">${lesson.matter.minutes}&nbsp;min</span></p></li>
`,
)}</ol>
<h2 id="for-whom">For whom</h2>
<p>You write TypeScript or JavaScript, and your programs send messages to each other, or soon will. You need to know nothing about NATS.
If you come from <a href="${linkTo(context, path, "nats-streaming.html", here)}">NATS Streaming</a>, each lesson shows the old idea beside the new one.</p>
<p>One story runs through all lessons: a parcel carrier, its depots, its vans and its hub. You read, you predict what a program prints, you look, and then you
write your own. Whatever your program does wrong has happened to somebody before: the <a href="${linkTo(context, path, "mistakes.html", here)}">catalogue of
mistakes</a> has them all.</p>
<h2 id="start">Start</h2>
${readme.section("start").render(path)}`,
  };
}
