// Remembers a verdict for `list`, `hint`, `beliefs` and whoever else asks later, and tells the classroom, when the learner has joined one.
// `check` and `start` both come by here after a grading.
import { reportVerdict } from "../classroom/report-to.ts";
import { checksState } from "../course/checks-state.ts";
import type { Lesson } from "../course/lessons.ts";
import {
  type FailingCheck,
  type HeldBelief,
  type LessonProgress,
  readProgress,
  updateProgress,
} from "../course/progress.ts";
import type { Verdict } from "../grading/verdict.ts";
import type { FindingParts } from "../kit/finding.ts";

/** Time between two gradings that is still work; a longer one is a break. */
const longestThoughtMs = 20 * 60_000;

/** A verdict with what each failed check found, by its name. */
export interface Recorded {
  readonly verdict: Verdict;
  readonly findings: ReadonlyMap<string, FindingParts>;
}

export function recordVerdict(lesson: Lesson, { verdict, findings }: Recorded): void {
  if (verdict.environment) return;
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
  const passed = verdict.status === "pass";
  const state = passed ? checksState(lesson) : undefined;
  updateProgress(lesson.id, (progress) => {
    const gradings = (progress.gradings ?? 0) + 1;
    return {
      ...progress,
      startedAt: progress.startedAt ?? now,
      seenAt: now,
      gradings,
      ...(!progress.passedAt && { workMs: (progress.workMs ?? 0) + sinceLastSeen(progress, now) }),
      ...(passed && {
        passedAt: progress.passedAt ?? now,
        gradingsToPass: progress.gradingsToPass ?? gradings,
        ...(state && { passedChecks: state }),
      }),
      last: {
        at: now,
        passed: verdict.tests.filter((test) => test.status === "pass").length,
        of: verdict.tests.length,
        failing,
      },
      beliefs: beliefsAfter(progress.beliefs ?? {}, failing, verdict, now),
    };
  });
  reportVerdict(verdict, readProgress().lessons[lesson.id] ?? {});
}

function sinceLastSeen({ seenAt }: LessonProgress, now: string): number {
  const since = seenAt === undefined ? 0 : Date.parse(now) - Date.parse(seenAt);
  return since > 0 && since <= longestThoughtMs ? since : 0;
}

/** Who shows a belief holds it; it is put right when the check that recognised it passes. */
function beliefsAfter(
  before: Readonly<Record<string, HeldBelief>>,
  failing: readonly FailingCheck[],
  { tests }: Verdict,
  now: string,
): Record<string, HeldBelief> {
  const after = { ...before };
  for (const { diagnosis, belief, check, readme } of failing) {
    if (diagnosis === undefined || belief === undefined) continue;
    const { putRightAt: _, ...old } = after[diagnosis] ?? { heldAt: now, times: 0 };
    after[diagnosis] = { ...old, times: old.times + 1, belief, check, ...(readme && { readme }) };
  }
  const passing = new Set(tests.filter((test) => test.status === "pass").map((test) => test.name));
  for (const [id, held] of Object.entries(after))
    if (!held.putRightAt && passing.has(held.check)) after[id] = { ...held, putRightAt: now };
  return after;
}
