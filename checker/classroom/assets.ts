// The pages' files: scripts bundled by esbuild when the classroom opens, so that nothing made has to be kept in the repository.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { root } from "../course/places.ts";

export interface Assets {
  /** A script or style sheet, by its address. */
  get(address: string): string | undefined;
  page(name: "join" | "dashboard"): string;
}

const client = join(root, "checker", "classroom", "client");

export async function makeAssets(): Promise<Assets> {
  const { outputFiles } = await build({
    entryPoints: [join(client, "dashboard.ts"), join(client, "classroom.css"), join(client, "join.ts")],
    outdir: "/assets",
    bundle: true,
    write: false,
    minify: true,
    format: "iife",
    target: "es2022",
    charset: "utf8",
    logLevel: "silent",
  });
  const files = new Map(
    outputFiles.map(({ path, text }) => [path.replace(/^.*[\\/]assets[\\/]/, "/assets/"), text]),
  );
  const pages = {
    join: readFileSync(join(client, "join.html"), "utf8"),
    dashboard: readFileSync(join(client, "dashboard.html"), "utf8"),
  };
  return { get: (address) => files.get(address), page: (name) => pages[name] };
}
