// The README's table of commands, the commands, and npm's scripts are the same.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { commands } from "../../checker/cli/main.ts";
import { root } from "../../checker/course/places.ts";

const all = commands(() => {}).commands;
const forLearners = all.filter((command) => !command.description().startsWith("for authors: "));
const scripts = Object.entries(
  (JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { scripts: Record<string, string> })
    .scripts,
);

/** Each command of the table with the flags that its rows name. */
function table(): Map<string, Set<string>> {
  const section =
    /^## Commands$([\s\S]*?)^## /m.exec(readFileSync(join(root, "README.md"), "utf8"))?.[1] ?? "";
  const found = new Map<string, Set<string>>();
  for (const row of section.matchAll(/^\| `npm (?:run )?(?:-s )?([a-z]+).*$/gm)) {
    const flags = found.get(row[1] ?? "") ?? new Set();
    for (const flag of row[0].matchAll(/`[^`]*?(--[a-z][a-z-]*)[^`]*`/g)) flags.add(flag[1] ?? "");
    found.set(row[1] ?? "", flags);
  }
  return found;
}

test("the README's table has every command with every flag, and none that is not there", () => {
  const { site, ...rest } = Object.fromEntries(
    [...table()].map(([name, flags]) => [name, [...flags].sort()]),
  );
  expect(rest).toEqual(
    Object.fromEntries(
      forLearners.map((command) => [
        command.name(),
        command.options
          .filter(({ hidden }) => !hidden)
          .map(({ long }) => long ?? "")
          .sort(),
      ]),
    ),
  );
  expect(site, "the site has a program of its own").toBeDefined();
});

test("each command is an npm script, and each script of the checker a command", () => {
  const called = scripts.flatMap(([name, line]) =>
    line.startsWith("node checker/main.mjs ") ? [[name, line.replace("node checker/main.mjs ", "")]] : [],
  );
  expect(called.sort()).toEqual(all.map((command) => [command.name(), command.name()]).sort());
});
