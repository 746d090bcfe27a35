// The README's table of commands is true: each command is there, explains itself, and has the flags that the table names.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "../../checker/course/places.ts";
import { command } from "./command.ts";

const readme = readFileSync(join(root, "README.md"), "utf8");
const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  scripts: Record<string, string>;
};
const [, table = ""] = readme.split("\n## Commands\n");
const rows =
  table
    .split("\n### ")[0]
    ?.split("\n")
    .filter((line) => line.startsWith("| `npm ")) ?? [];
const nameOf = (row: string) => /`npm (?:run )?(?:-s )?([a-z]+)/.exec(row)?.[1] ?? "";
const ofChecker = Object.entries(scripts).filter(([, script]) => script.includes("checker/main.mjs"));

test("the table names scripts that exist", () => {
  expect(rows.length).toBeGreaterThan(10);
  for (const row of rows) expect(scripts, row).toHaveProperty(nameOf(row));
});

test.each(ofChecker)("npm run %s explains itself", async (name) => {
  const { status, out } = await command([name, "--help"]);
  expect(status).toBe(0);
  // What comes after `npm run nats --` is the CLI's, and so is its help.
  expect(out).toContain(name === "nats" ? "usage: nats" : `Usage: npm run ${name}`);
  const forAuthors = out.includes("for authors");
  const named = rows.filter((row) => nameOf(row) === name);
  if (!forAuthors) expect(named.length, `${name} is in the README's table`).toBeGreaterThan(0);
  for (const [flag] of named.join(" ").matchAll(/--[a-z]+/g)) expect(out, `${name} ${flag}`).toContain(flag);
});
