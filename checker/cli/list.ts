// npm run list: the lessons, and how far the learner is with each.
import { checksChanged } from "../course/checks-state.ts";
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
      ...(checksChanged(lesson, done) && { checksChanged: true }),
      ...(done?.last && { checks: `${done.last.passed}/${done.last.of}` }),
    };
  });
  if (json) {
    print(JSON.stringify(rows));
    return exitStatus.passed;
  }
  for (const { id, title, summary, minutes, state, checks, checksChanged } of rows) {
    const sign = state === "passed" ? c.green("✓") : state === "started" ? c.yellow("•") : " ";
    const right = [state === "started" && checks ? `${checks} checks` : words[state], `about ${minutes} min`]
      .filter(Boolean)
      .join(", ");
    const left = cut(`${id}  ${title}`, columns() - right.length - 6);
    print(
      `  ${sign} ${c.bold(left)}${" ".repeat(Math.max(2, columns() - 4 - left.length - right.length))}${c.dim(right)}`,
    );
    print(wrap(summary, 15));
    if (checksChanged)
      print(
        c.yellow(
          wrap(
            `Its checks changed since you passed it. \`npm run check ${id}\` tells whether your file still passes.`,
            15,
          ),
        ),
      );
  }
  const next = rows.find((row) => row.state !== "passed");
  print();
  print(
    next
      ? `  Next: read lessons/${next.folder}/README.md, then npm start ${next.id}`
      : "  You have passed every lesson. npm run beliefs shows what you believed on the way.",
  );
  return exitStatus.passed;
}
