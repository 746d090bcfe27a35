// What the dashboard says of lessons and beliefs, read from the host's own course.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beliefsOf } from "../course/beliefs.ts";
import { allLessons, type Lesson, readReadme } from "../course/lessons.ts";
import type { Catalogue } from "./summary.ts";

export async function readCatalogue(): Promise<Catalogue> {
  const lessons = await Promise.all(
    allLessons().map(async (lesson) => {
      const { title, minutes } = readReadme(lesson).matter;
      const page = `/course/lessons/${lesson.folder}.html`;
      const drawn = timelines(lesson);
      const beliefs = (await beliefsOf(lesson)).map(({ id, check, belief, hint, readme }) => {
        const timeline = drawn.get(id);
        return { id, check, belief, hint, page: `${page}#${readme}`, ...(timeline && { timeline }) };
      });
      return { id: lesson.id, title, minutes, page, beliefs };
    }),
  );
  return { lessons };
}

/** Addresses of recorded timelines, by the belief that each shows. */
function timelines(lesson: Lesson): Map<string, string> {
  const found = new Map<string, string>();
  const folder = join(lesson.path, "timelines");
  for (const file of existsSync(folder) ? readdirSync(folder).sort() : []) {
    if (!file.endsWith(".svg")) continue;
    const program = join(lesson.solutions, "mistakes", file.replace(/svg$/, "ts"));
    const belief = existsSync(program) && /^\/\/ Mistake: (\S+)/.exec(readFileSync(program, "utf8"))?.[1];
    if (belief && !found.has(belief)) found.set(belief, `/timelines/${lesson.folder}/${file}`);
  }
  return found;
}

/** The file of a timeline's address; undefined for anything else. */
export function timelineFile(address: string): string | undefined {
  const [, folder, file] = /^\/timelines\/([a-z0-9-]+)\/([a-z0-9-]+\.svg)$/.exec(address) ?? [];
  const lesson = allLessons().find((each) => each.folder === folder);
  const path = lesson && file && join(lesson.path, "timelines", file);
  return path && existsSync(path) ? path : undefined;
}
