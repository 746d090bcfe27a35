// npm run list: the lessons, and how far the learner is with each.
import { allLessons, readReadme } from "../course/lessons.ts";
import { readProgress } from "../course/progress.ts";
import { isStarted } from "../course/started.ts";
import { exitStatus } from "../grading/verdict.ts";
import { colours as c, columns, cut, print, wrap } from "./text.ts";

type State = "passed" | "started" | "new";

const words: Record<State, string> = { passed: "passed", started: "started", new: "" };

export async function runList({ json = false }: { json?: boolean }): Promise<number> {
  const progress = readProgress();
  const rows = allLessons().map((lesson) => {
    const { title, summary, minutes } = readReadme(lesson).matter;
    const done = progress.lessons[lesson.id];
    const state: State = done?.passedAt ? "passed" : isStarted(lesson) ? "started" : "new";
    return {
      id: lesson.id,
      folder: lesson.folder,
      title,
      summary,
      minutes,
      state,
      ...(done?.last && { checks: `${done.last.passed}/${done.last.of}` }),
    };
  });
  if (json) {
    print(JSON.stringify(rows));
    return exitStatus.passed;
  }
  for (const { id, title, summary, minutes, state, checks } of rows) {
    const sign = state === "passed" ? c.green("✓") : state === "started" ? c.yellow("•") : " ";
    const right = [state === "started" && checks ? `${checks} checks` : words[state], `${minutes} min`]
      .filter(Boolean)
      .join(", ");
    const left = cut(`${id}  ${title}`, columns() - right.length - 6);
    print(
      `  ${sign} ${c.bold(left)}${" ".repeat(Math.max(2, columns() - 4 - left.length - right.length))}${c.dim(right)}`,
    );
    print(wrap(summary, 15));
  }
  const next = rows.find((row) => row.state !== "passed");
  print();
  print(
    next
      ? `  Next: read lessons/${next.folder}/README.md, then npm run check ${next.id}`
      : "  You have passed every lesson.",
  );
  return exitStatus.passed;
}
