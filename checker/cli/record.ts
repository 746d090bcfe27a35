// Remembers a verdict for `list`, `hint` and whoever else asks later; and tells the classroom, when the learner has joined one.
import { reportVerdict } from "../classroom/report-to.ts";
import type { Lesson } from "../course/lessons.ts";
import { type FailingCheck, readProgress, updateProgress } from "../course/progress.ts";
import type { Graded } from "../grading/grade.ts";

export function recordVerdict(lesson: Lesson, { verdict, findings }: Graded): void {
  const now = new Date().toISOString();
  const failing = verdict.tests
    .filter((test) => test.status === "fail" || test.status === "error")
    .map(({ name }): FailingCheck => {
      const { diagnosis, belief, hint, readme } = findings.get(name) ?? {};
      return {
        check: name,
        ...(diagnosis && { diagnosis }),
        ...(belief && { belief }),
        ...(hint && { hint }),
        ...(readme && { readme }),
      };
    });
  updateProgress(lesson.id, (progress) => ({
    ...progress,
    startedAt: progress.startedAt ?? now,
    gradings: (progress.gradings ?? 0) + 1,
    ...(verdict.status === "pass" && { passedAt: progress.passedAt ?? now }),
    last: {
      at: now,
      passed: verdict.tests.filter((test) => test.status === "pass").length,
      of: verdict.tests.length,
      failing,
    },
  }));
  reportVerdict(verdict, readProgress().lessons[lesson.id] ?? {});
}
