// Finds files of the built checker: the programs that it starts as processes of their own (program host, reaper), the checks.
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ensureBuild } from "../build.mjs";
import { root } from "./places.ts";

let folder: string | undefined;

/** The full path of one built file, for example `host.mjs`. Builds first when this code runs from source, as in tests. */
export function builtFile(name: string): string {
  const found = folder ?? ownFolder() ?? ensureBuild(root);
  folder = found;
  return join(found, name);
}

/** The build that this code itself runs from, if it does. It must be that one: an edit in mid-run must not mix two builds. */
function ownFolder(): string | undefined {
  const here = dirname(fileURLToPath(import.meta.url));
  return basename(dirname(here)) === "build" ? here : undefined;
}
