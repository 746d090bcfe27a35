// The style sheet, the scripts and the icon: made small by esbuild, the same bytes each time.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { build, transform } from "esbuild";
import { timelineStyles } from "../checker/wire/timeline/styles.ts";
import { root } from "./course.ts";
import type { LayoutOptions } from "./pages/layout.ts";

const client = join(root, "site", "client");
const names = { styles: "styles.css", theme: "theme.js", client: "client.js" };

interface Assets {
  readonly names: LayoutOptions["assets"];
  readonly files: ReadonlyMap<string, string>;
}

/** While the site is served, its lessons change more often than its scripts. */
const made = new Map<string, Promise<Assets>>();

/** Made anew only when a file of the client has changed. */
export function assets(reload: boolean): Promise<Assets> {
  const sources = readdirSync(client).map((name) => readFileSync(join(client, name), "utf8"));
  const key = JSON.stringify([reload, sources]);
  const known = made.get(key) ?? make(reload);
  made.clear();
  made.set(key, known);
  return known;
}

async function make(reload: boolean): Promise<Assets> {
  const [scripts, styles] = await Promise.all([
    build({
      entryPoints: {
        theme: join(client, "theme.ts"),
        client: join(client, reload ? "client-with-reload.ts" : "client.ts"),
        search: join(client, "search.ts"),
      },
      outdir: "/",
      bundle: true,
      write: false,
      minify: true,
      // Not modules: a browser loads none from a folder on disk.
      format: "iife",
      target: "es2022",
      charset: "utf8",
      logLevel: "silent",
    }),
    transform(`${readFileSync(join(client, "styles.css"), "utf8")}\n${timelineStyles}`, {
      loader: "css",
      minify: true,
      charset: "utf8",
    }),
  ]);
  const files = new Map(
    ["theme.js", "client.js", "search.js"].map((name, i) => [name, scripts.outputFiles[i]?.text ?? ""]),
  );
  files.set("styles.css", styles.code);
  files.set("icon.svg", icon);
  return { names, files };
}

const icon =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#1d5fbf"/><path d="M6 11h14m-4-4 4 4-4 4M26 21H12m4-4-4 4 4 4" fill="none" stroke="#fff" stroke-width="2.5" stroke-linecap="round" stroke-linejoin="round"/></svg>\n';
