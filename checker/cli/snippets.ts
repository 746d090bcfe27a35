// npm run snippets: for authors. Runs the programs of the lessons' pages and puts what they print below them.
import { relative } from "node:path";
import writeFileAtomic from "write-file-atomic";
import { allLessons, findLesson } from "../course/lessons.ts";
import { root } from "../course/places.ts";
import { exitStatus } from "../grading/verdict.ts";
import { findProgram } from "../nats/install/find.ts";
import { renewCliOutputs } from "../pages/cli-snippets.ts";
import { renewOutputs } from "../pages/snippets.ts";
import { installProgress } from "./progress.ts";
import { print } from "./text.ts";

export async function runSnippets(
  typed: string | undefined,
  { check = false }: { check?: boolean },
): Promise<number> {
  const server = await findProgram("nats-server", { onProgress: installProgress() });
  let differing = 0;
  for (const lesson of typed === undefined ? allLessons() : [findLesson(typed)]) {
    let differs = false;
    for (const renew of [() => renewOutputs(lesson, server), () => renewCliOutputs(lesson, server)]) {
      const { before, after } = await renew();
      if (before === after) continue;
      differs = true;
      if (!check) writeFileAtomic.sync(lesson.readme, after);
    }
    if (!differs) continue;
    differing++;
    print(`${check ? "differs" : "written"}  ${relative(root, lesson.readme)}`);
  }
  if (differing === 0) print("Every page shows what its programs print.");
  return check && differing > 0 ? exitStatus.notYet : exitStatus.passed;
}
