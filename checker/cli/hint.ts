// npm run hint: first what answers the mistake that the last check showed, then the lesson's own hints, one at a time.
import { relative } from "node:path";
import { findLesson, readHints } from "../course/lessons.ts";
import { type FailingCheck, readProgress, updateProgress } from "../course/progress.ts";
import { exitStatus } from "../grading/verdict.ts";
import { currentLesson } from "./current.ts";
import { byKey, colours as c, print, wrap } from "./text.ts";

export async function runHint(typed: string | undefined): Promise<number> {
  const lesson = typed === undefined ? currentLesson() : findLesson(typed);
  const progress = readProgress().lessons[lesson.id] ?? {};
  const readme = relative(process.cwd(), lesson.readme);
  const shown = progress.beliefsHinted ?? [];
  const diagnosed = (progress.last?.failing ?? []).filter(
    (each): each is FailingCheck & { diagnosis: string; hint: string } =>
      Boolean(each.diagnosis && each.hint),
  );
  const fresh = diagnosed.find((each) => !shown.includes(each.diagnosis));
  print(c.bold(`${lesson.id}  a hint`));
  print();
  if (fresh) {
    print(c.dim(wrap(`Your last check "${fresh.check}" looks as if you believed:`, 2)));
    print(wrap(`"${fresh.belief}"`, 4));
    print();
    print(wrap(fresh.hint, 2));
    print();
    print(`  ${c.dim("read")} ${readme}#${fresh.readme}`);
    updateProgress(lesson.id, (old) => ({
      ...old,
      beliefsHinted: [...(old.beliefsHinted ?? []), fresh.diagnosis],
    }));
    return exitStatus.passed;
  }
  if (progress.passedAt && progress.last?.passed === progress.last?.of) {
    print(
      wrap(
        `You have passed ${lesson.id}: there is nothing left to hint at. ${byKey("s", `npm run solution ${lesson.id}`)} shows how others do it.`,
        2,
      ),
    );
    return exitStatus.passed;
  }
  const failing = progress.last?.failing ?? [];
  const [same] = failing;
  if (
    same?.diagnosis &&
    !same.hint &&
    failing.length === progress.last?.of &&
    failing.every((each) => each.diagnosis === same.diagnosis)
  ) {
    print(
      wrap(
        "One thing keeps your whole file from being graded, and your last verdict says what and where. Put that right first; the hints are about what your file does.",
        2,
      ),
    );
    return exitStatus.passed;
  }
  const hints = readHints(lesson);
  const number = progress.hintsShown ?? 0;
  const hint = hints[number];
  if (hint !== undefined) {
    print(wrap(hint, 2));
    print();
    print(c.dim(`  hint ${number + 1} of ${hints.length}`));
    updateProgress(lesson.id, (old) => ({ ...old, hintsShown: number + 1 }));
    return exitStatus.passed;
  }
  for (const each of diagnosed) print(wrap(`For "${each.check}": ${each.hint}`, 2));
  for (const each of hints) print(wrap(each, 2));
  print();
  print(
    wrap(
      `These are all hints of this lesson. ${byKey("s", `npm run solution ${lesson.id}`)} shows the reference solution.`,
      2,
    ),
  );
  return exitStatus.passed;
}
