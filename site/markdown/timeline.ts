// A recorded timeline in a page: the drawing stands in the HTML itself, so that it takes the page's colours and theme.
import { existsSync, readFileSync } from "node:fs";
import { html, raw } from "../html.ts";

/**
 * The figure of a timeline. A drawing that is not recorded yet leaves its words alone.
 * @param prefix makes the drawing's ids unique on the page
 * @throws Error when the file holds more than a drawing
 */
export function timelineFigure(file: string, alt: string, prefix: string): string {
  if (!existsSync(file)) return html`<figure class="timeline"><figcaption>${alt}</figcaption></figure>`.text;
  const svg = inlineSvg(readFileSync(file, "utf8"), prefix, file);
  return html`<figure class="timeline"><div class="drawing" role="group" aria-label="Timeline" tabindex="0">${raw(svg)}</div><figcaption>${alt}</figcaption></figure>`
    .text;
}

/** The drawing without its own style sheet (the page has it), with ids of its own. */
function inlineSvg(text: string, prefix: string, file: string): string {
  const svg = text.replaceAll("\r\n", "\n").replace(/<style>[\s\S]*?<\/style>\n?/g, "");
  const bad = /<(?:script|foreignObject|style|image|use|a)\b|\son\w+=|\sstyle=|href=|javascript:/i.exec(svg);
  if (bad || !svg.trimStart().startsWith("<svg")) {
    throw new Error(
      `${file} is no drawing that can stand in a page: ${bad?.[0] ?? "it does not begin with <svg"}`,
    );
  }
  const own = /<title id="([^"]+)-title">/.exec(svg)?.[1];
  if (own === undefined) return svg.trim();
  return svg
    .trim()
    .replaceAll(`id="${own}-`, `id="${prefix}-`)
    .replaceAll(`url(#${own}-`, `url(#${prefix}-`)
    .replace(/aria-labelledby="[^"]*"/, `aria-labelledby="${prefix}-title"`)
    .replace(/(<svg[^>]*)(>)/, `$1 aria-describedby="${prefix}-desc"$2`);
}
