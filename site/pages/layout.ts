// What every page has: the head, the way around, and the way on.
import { type Html, html } from "../html.ts";
import { relativeLink } from "../links.ts";
import type { Heading } from "../markdown/document.ts";

export interface Page {
  /** From the site's root. */
  readonly path: string;
  readonly title: string;
  readonly description: string;
  /** One word for the style sheet. */
  readonly kind: "home" | "lesson" | "solution" | "reference" | "missing";
  readonly main: Html;
  readonly contents?: readonly Heading[];
  readonly previous?: Way;
  readonly next?: Way;
}

export interface Way {
  readonly path: string;
  readonly title: string;
}

export interface LayoutOptions {
  readonly repository: string;
  /** Where the site's root is, for the page that is shown at any address. */
  readonly base: string;
  /** Names of the made files, from the site's root. */
  readonly assets: { readonly styles: string; readonly theme: string; readonly client: string };
  /** Only where a server says when to load again. */
  readonly reload: boolean;
}

export const places: readonly Way[] = [
  { path: "index.html", title: "Lessons" },
  { path: "mistakes.html", title: "Mistakes" },
  { path: "nats-streaming.html", title: "NATS Streaming" },
  { path: "glossary.html", title: "Glossary" },
  { path: "commands.html", title: "Commands" },
];

export function layout(page: Page, { repository, base, assets, reload }: LayoutOptions): string {
  // A missing page is shown at any depth; all others know where they are.
  const link = (to: string) => (page.kind === "missing" ? `${base}${to}` : relativeLink(page.path, to));
  const root = page.kind === "missing" ? base : "../".repeat(page.path.split("/").length - 1);
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'none'",
    ...(reload ? ["connect-src 'self'"] : []),
  ].join("; ");
  const contents = page.contents ?? [];
  return `${
    html`<!doctype html>
<html lang="en" data-root="${root}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="description" content="${page.description}">
<title>${page.kind === "home" ? page.title : `${page.title} · learn-nats`}</title>
<link rel="icon" href="${link("icon.svg")}" type="image/svg+xml">
<script src="${link(assets.theme)}"></script>
<link rel="stylesheet" href="${link(assets.styles)}">
<script src="${link(assets.client)}" defer></script>
</head>
<body class="${page.kind}">
<a class="skip" href="#main">Skip to the text</a>
<header class="top">
<a class="name" href="${link("index.html")}">learn-nats</a>
<nav aria-label="Site"><ul>
${places.map(({ path, title }) => html`<li><a href="${link(path)}"${path === page.path && html` aria-current="page"`}>${title}</a></li>\n`)}</ul></nav>
<div class="tools"></div>
</header>
<div class="sheet">
${
  contents.length > 2 &&
  html`<nav class="contents" aria-label="On this page">
<details><summary>On this page</summary>
<ul>
${contents.map((heading) => html`<li class="level-${heading.level}"><a href="#${heading.id}">${heading.text}</a></li>\n`)}</ul>
</details>
</nav>
`
}<main id="main">
${page.main}
${
  (page.previous || page.next) &&
  html`<nav class="ways" aria-label="Lessons before and after">
${page.previous && html`<a class="previous" rel="prev" href="${link(page.previous.path)}"><span>Before</span> ${page.previous.title}</a>\n`}${page.next && html`<a class="next" rel="next" href="${link(page.next.path)}"><span>Next</span> ${page.next.title}</a>\n`}</nav>
`
}</main>
</div>
<footer class="end">
<p>This site asks no other host for anything, and keeps your ticks in your browser only.
<a href="${link("instructors.html")}">For instructors</a> · <a href="${repository}">The course on GitHub</a></p>
</footer>
</body>
</html>`.text
  }\n`;
}
