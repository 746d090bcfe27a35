// npm run timelines: for authors. Runs the programs whose timelines stand in the lessons' pages, and draws them anew.
import { mkdirSync } from "node:fs";
import { dirname, relative } from "node:path";
import writeFileAtomic from "write-file-atomic";
import { allLessons, findLesson } from "../course/lessons.ts";
import { root } from "../course/places.ts";
import { exitStatus } from "../grading/verdict.ts";
import { findProgram } from "../nats/install/find.ts";
import { startReaper } from "../nats/reaper.ts";
import { filesOf, holds, kept, record, sameStory, timelinesIn } from "../pages/timelines.ts";
import { timelineText } from "../wire/timeline/text.ts";
import { installProgress } from "./progress.ts";
import { columns, print } from "./text.ts";

/** On a busy machine a program's own timer may run out once more than on the page: of so many runs one must tell the page's story. */
const runs = 3;

export async function runTimelines(
  typed: string | undefined,
  { check = false }: { check?: boolean },
): Promise<number> {
  startReaper();
  const server = await findProgram("nats-server", { onProgress: installProgress() });
  let differing = 0;
  for (const lesson of typed === undefined ? allLessons() : [findLesson(typed)]) {
    for (const marked of timelinesIn(lesson)) {
      const before = kept(marked);
      let now = await record(marked, server);
      for (let run = 2; before && !sameStory(before, now) && run <= runs; run++)
        now = await record(marked, server);
      // Only times differ from run to run: then what was recorded stays, and is drawn as it is drawn today.
      const shown = before && sameStory(before, now) ? before : now;
      const files = filesOf(marked, shown).filter((file) => !holds(file));
      if (files.length === 0) continue;
      differing++;
      for (const { path, text } of files) {
        if (!check) {
          mkdirSync(dirname(path), { recursive: true });
          writeFileAtomic.sync(path, text);
        }
        print(`${check ? "differs" : "written"}  ${relative(root, path)}`);
      }
      if (shown === now) print(`\n${timelineText(now, { width: columns() })}\n`);
    }
  }
  if (differing === 0) print("Every page shows what its programs do on the wire.");
  return check && differing > 0 ? exitStatus.notYet : exitStatus.passed;
}
