// What a lesson's page shows is true: its programs are run, and its v3 code compiles.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { allLessons } from "../../checker/course/lessons.ts";
import { compile } from "../../checker/grading/compile.ts";
import { findProgram } from "../../checker/nats/install/find.ts";
import { reapAll } from "../../checker/nats/reaper.ts";
import { runFolder } from "../../checker/nats/run-folder.ts";
import { cliSnippetsIn, printsTheSame, typeInLab } from "../../checker/pages/cli-snippets.ts";
import { runSnippet, serversFor, snippetsIn } from "../../checker/pages/snippets.ts";

afterAll(reapAll);

describe.each(allLessons())("the page of $id", (lesson) => {
  const snippets = snippetsIn(readFileSync(lesson.readme, "utf8"));

  test.each(snippets.filter((snippet) => snippet.kind === "run"))(
    "prints what it shows for the program of line $line",
    async (snippet) => {
      const server = await findProgram("nats-server");
      expect(await runSnippet(snippet, await serversFor(lesson, server))).toBe(snippet.output);
    },
  );

  const typed = cliSnippetsIn(readFileSync(lesson.readme, "utf8"));

  test.skipIf(typed.length === 0)("prints what it shows for each command of the nats CLI", async () => {
    const server = await findProgram("nats-server");
    const printed = await typeInLab(lesson, typed, server, (text, snippet) =>
      printsTheSame({ ...snippet }, text),
    );
    for (const [index, snippet] of typed.entries()) {
      // Where they differ, show how.
      if (!printsTheSame(snippet, printed[index] ?? "")) expect(printed[index]).toBe(snippet.output);
    }
  });

  test("has programs to run, and code in nats v3", () => {
    expect(snippets.map((snippet) => snippet.kind)).toEqual(expect.arrayContaining(["run", "v3"]));
  });

  test.each(snippets.filter((snippet) => snippet.kind === "v3"))(
    "has v3 code that compiles in line $line",
    async (snippet) => {
      const folder = runFolder("v3");
      const file = join(folder.path, "v3.ts");
      writeFileSync(file, snippet.code);
      expect((await compile(file, folder.path)).faults).toEqual([]);
      folder.remove();
    },
  );
});
