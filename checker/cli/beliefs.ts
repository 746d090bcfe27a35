// npm run beliefs: the learner's own catalogue: which beliefs their programs showed, and where they put them right.
import { relative } from "node:path";
import { allLessons, type Lesson, readReadme } from "../course/lessons.ts";
import { type HeldBelief, readProgress } from "../course/progress.ts";
import { exitStatus } from "../grading/verdict.ts";
import { colours as c, print, wrap } from "./text.ts";

interface Entry extends HeldBelief {
  readonly id: string;
  readonly lesson: Lesson;
}

export async function runBeliefs({
  json = false,
  plain = false,
}: {
  json?: boolean;
  plain?: boolean;
}): Promise<number> {
  if (json)
    print(JSON.stringify(catalogue().map(({ lesson, ...entry }) => ({ lesson: lesson.id, ...entry }))));
  else print(beliefsText(plain));
  return exitStatus.passed;
}

export function beliefsText(plain: boolean): string {
  const entries = catalogue();
  if (entries.length === 0)
    return wrap(
      "None of your gradings showed a wrong belief so far. When one does, it is listed here, with where you put it right.",
    );
  const right = entries.filter((entry) => entry.putRightAt).length;
  const lines = [
    c.bold(wrap(`What you believed, and where you put it right: ${right} of ${entries.length}`)),
  ];
  let lesson: Lesson | undefined;
  for (const entry of entries) {
    if (entry.lesson !== lesson)
      lines.push("", c.bold(`${entry.lesson.id}  ${readReadme(entry.lesson).matter.title}`));
    lesson = entry.lesson;
    const sign = plain
      ? entry.putRightAt
        ? "Put right:"
        : "Still held:"
      : entry.putRightAt
        ? c.green("✓")
        : c.yellow("•");
    lines.push(`  ${sign} ${wrap(`"${entry.belief}"`, 4).trimStart()}`);
    const day = (iso: string) => iso.slice(0, 10);
    const seen = `seen ${entry.times === 1 ? "once" : `${entry.times} times`}, first on ${day(entry.heldAt)}`;
    const done = entry.putRightAt ? `put right on ${day(entry.putRightAt)}` : "not put right yet";
    lines.push(c.dim(wrap(`${seen}; ${done}, in "${entry.check}"`, 4)));
    if (entry.readme)
      lines.push(c.dim(`    read ${relative(process.cwd(), entry.lesson.readme)}#${entry.readme}`));
  }
  return lines.join("\n");
}

function catalogue(): Entry[] {
  const { lessons } = readProgress();
  return allLessons().flatMap((lesson) =>
    Object.entries(lessons[lesson.id]?.beliefs ?? {})
      .map(([id, held]) => ({ id, lesson, ...held }))
      .sort((a, b) => a.heldAt.localeCompare(b.heldAt)),
  );
}
