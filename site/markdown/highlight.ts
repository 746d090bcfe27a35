// Code with its colours, as classes instead of style attributes: the page's content security policy allows no inline styles.
import type { HighlighterCore, ThemeRegistration } from "shiki/core";
import type { Cache } from "../cache.ts";
import { html, raw } from "../html.ts";

const languages: Record<string, () => Promise<{ default: unknown }>> = {
  ts: () => import("shiki/langs/typescript.mjs"),
  json: () => import("shiki/langs/json.mjs"),
  yaml: () => import("shiki/langs/yaml.mjs"),
  sh: () => import("shiki/langs/shellscript.mjs"),
};

let started: Promise<HighlighterCore> | undefined;

/** The code as the inside of a `<code>` element. A language that is not known gives plain text. */
export async function highlight(code: string, language: string, cache: Cache): Promise<string> {
  if (!(language in languages)) return html`${code}`.text;
  return cache.of("code-2", `${language}\n${code}`, async () => {
    // Shiki costs more to load than all else here: nothing loads it while the cache serves.
    started ??= start();
    const highlighter = await started;
    const { tokens } = highlighter.codeToTokens(code, {
      lang: language,
      theme: "names",
      // On a slow machine a limit would leave a line half coloured, and two builds would differ.
      tokenizeTimeLimit: 0,
    });
    const lines = tokens.map((line) => {
      const runs: { kind: string; text: string }[] = [];
      for (const { content, color } of line) {
        const kind = /--([a-z-]+)\)/.exec(color ?? "")?.[1]?.replace("token-", "") ?? "foreground";
        const last = runs.at(-1);
        // What stands between two words of one colour belongs to them.
        if (last && (last.kind === kind || content.trim() === "")) last.text += content;
        else runs.push({ kind, text: content });
      }
      return runs
        .map(({ kind, text }) =>
          kind === "foreground" ? html`${text}` : html`<i class="${`c-${kind}`}">${text}</i>`,
        )
        .join("");
    });
    return raw(lines.join("\n")).text;
  });
}

async function start(): Promise<HighlighterCore> {
  const { createCssVariablesTheme, createHighlighterCore } = await import("shiki/core");
  const { createOnigurumaEngine } = await import("shiki/engine/oniguruma");
  const theme = createCssVariablesTheme({ name: "names", variablePrefix: "--" }) as ThemeRegistration;
  return createHighlighterCore({
    themes: [theme],
    langs: Object.values(languages) as never,
    langAlias: { ts: "typescript", sh: "shellscript" },
    engine: await createOnigurumaEngine(import("shiki/wasm")),
  });
}
