// HTML as template strings: what is put into one is escaped, unless it is HTML already.
import markdownIt from "markdown-it";

const { escapeHtml } = markdownIt().utils;

/** Text that is HTML already. */
export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
  toString(): string {
    return this.text;
  }
}

type Part = string | number | Html | undefined | false | readonly Part[];

/** A tag for template strings: `` html`<p>${text}</p>` ``. Lists are joined; `undefined` and `false` give nothing. */
export function html(strings: TemplateStringsArray, ...parts: Part[]): Html {
  return new Html(strings.map((string, i) => string + textOf(parts[i])).join(""));
}

/** Marks text as HTML: only for what a renderer of ours has made. */
export function raw(text: string): Html {
  return new Html(text);
}

function textOf(part: Part): string {
  if (part === undefined || part === false) return "";
  if (part instanceof Html) return part.text;
  if (Array.isArray(part)) return part.map(textOf).join("");
  return escapeHtml(String(part));
}
