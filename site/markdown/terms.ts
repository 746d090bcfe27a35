// Links the words of the glossary where a page uses them first.
import type { Token } from "markdown-it";

export interface Term {
  /** Its place in the glossary. */
  readonly id: string;
  readonly name: string;
  /** Other spellings, for example the plural. */
  readonly also: readonly string[];
}

/** Puts a link into the text of the page's paragraphs where a term is used first: never into headings, links or code. */
export function linkTerms(tokens: Token[], terms: readonly Term[], newToken: NewToken): void {
  const words = new Map(
    terms.flatMap((term) => [term.name, ...term.also].map((word) => [word.toLowerCase(), term])),
  );
  if (words.size === 0) return;
  const longestFirst = [...words.keys()].sort((a, b) => b.length - a.length || (a < b ? -1 : 1));
  const pattern = new RegExp(`(?<![\\w-])(?:${longestFirst.map(literally).join("|")})(?![\\w-])`, "gi");
  const used = new Set<string>();
  tokens.forEach((token, i) => {
    if (token.type !== "inline" || tokens[i - 1]?.type !== "paragraph_open" || !token.children) return;
    let inLink = 0;
    token.children = token.children.flatMap((child) => {
      if (child.type === "link_open") inLink++;
      if (child.type === "link_close") inLink--;
      if (child.type !== "text" || inLink > 0) return [child];
      const parts: Token[] = [];
      let done = 0;
      for (const match of child.content.matchAll(pattern)) {
        const term = words.get(match[0].toLowerCase());
        if (!term || used.has(term.id)) continue;
        used.add(term.id);
        const open = newToken("link_open", "a", 1);
        open.attrs = [
          ["href", `glossary:${term.id}`],
          ["class", "term"],
        ];
        open.meta = child.meta;
        parts.push(text(child.content.slice(done, match.index), newToken), open, text(match[0], newToken));
        parts.push(newToken("link_close", "a", -1));
        done = match.index + match[0].length;
      }
      if (done === 0) return [child];
      return [...parts, text(child.content.slice(done), newToken)];
    });
  });
}

type NewToken = (type: string, tag: string, nesting: -1 | 0 | 1) => Token;

function text(content: string, newToken: NewToken): Token {
  const token = newToken("text", "", 0);
  token.content = content;
  return token;
}

function literally(word: string): string {
  return word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
