// What can be read from the learners' summaries: who is stuck and on what, which mistakes are common now. Runs in the browser, too.
import type { Catalogue, CatalogueBelief, LearnerSummary } from "./summary.ts";

export interface Stuck {
  readonly learner: LearnerSummary;
  readonly lesson: string;
  readonly since: number;
  readonly belief: CatalogueBelief | undefined;
  readonly ok: number;
  readonly of: number;
}

/** Nothing has become better for this long. */
const stuckAfterMs = 3 * 60_000;

/** Learners whose lesson does not move, the longest first. */
export function stuck(
  learners: Iterable<LearnerSummary>,
  catalogue: Catalogue,
  now: number,
  afterMs = stuckAfterMs,
): Stuck[] {
  const found: Stuck[] = [];
  for (const learner of learners) {
    const lesson = learner.current === undefined ? undefined : learner.lessons[learner.current];
    if (!lesson || learner.current === undefined || lesson.stuckSince === undefined) continue;
    if (now - lesson.stuckSince < afterMs) continue;
    const belief = lesson.failing
      .map(({ diagnosis }) => beliefOf(catalogue, learner.current ?? "", diagnosis))
      .find((each) => each !== undefined);
    found.push({
      learner,
      lesson: learner.current,
      since: lesson.stuckSince,
      belief,
      ok: lesson.ok,
      of: lesson.of,
    });
  }
  return found.sort((a, b) => a.since - b.since);
}

export interface Mistake {
  readonly lesson: string;
  readonly belief: CatalogueBelief;
  /** Who shows it in their last result. */
  readonly learners: readonly LearnerSummary[];
}

/** Beliefs in the last results of all, the most common first. Only those that the course knows: others may be forged. */
export function commonMistakes(learners: Iterable<LearnerSummary>, catalogue: Catalogue): Mistake[] {
  const found = new Map<CatalogueBelief, { lesson: string; learners: LearnerSummary[] }>();
  for (const learner of learners) {
    const lesson = learner.current ?? "";
    const ids = new Set(
      Object.hasOwn(learner.lessons, lesson)
        ? learner.lessons[lesson]?.failing.map((each) => each.diagnosis)
        : [],
    );
    for (const id of ids) {
      const belief = beliefOf(catalogue, lesson, id);
      if (!belief) continue;
      const entry = found.get(belief) ?? { lesson, learners: [] };
      entry.learners.push(learner);
      found.set(belief, entry);
    }
  }
  return [...found]
    .map(([belief, entry]) => ({ belief, ...entry }))
    .sort((a, b) => b.learners.length - a.learners.length || a.belief.id.localeCompare(b.belief.id));
}

export function beliefOf(
  catalogue: Catalogue,
  lesson: string,
  id: string | undefined,
): CatalogueBelief | undefined {
  return catalogue.lessons.find((each) => each.id === lesson)?.beliefs.find((each) => each.id === id);
}

/** Raised hands, in the order in which they were raised. */
export function hands(learners: Iterable<LearnerSummary>): LearnerSummary[] {
  return [...learners].filter(({ hand }) => hand).sort((a, b) => (a.hand?.at ?? 0) - (b.hand?.at ?? 0));
}

export interface LessonCount {
  readonly id: string;
  readonly title: string;
  readonly passed: number;
  readonly atWork: number;
  readonly gradings: number;
  readonly medianWorkMs: number;
}

export function lessonCounts(learners: Iterable<LearnerSummary>, catalogue: Catalogue): LessonCount[] {
  const all = [...learners];
  return catalogue.lessons.map(({ id, title }) => {
    const here = all.flatMap(({ lessons }) => (Object.hasOwn(lessons, id) ? (lessons[id] ?? []) : []));
    const work = here.map(({ workMs }) => workMs).sort((a, b) => a - b);
    return {
      id,
      title,
      passed: here.filter(({ passed }) => passed).length,
      atWork: here.filter(({ passed }) => !passed).length,
      gradings: here.reduce((sum, { gradings }) => sum + gradings, 0),
      medianWorkMs: work[Math.floor(work.length / 2)] ?? 0,
    };
  });
}

/** One row for each learner and lesson. A cell that a spreadsheet would take for a formula is quoted. */
export function csv(learners: Iterable<LearnerSummary>, catalogue: Catalogue): string {
  const head = [
    "name",
    "lesson",
    "passed",
    "checks passed",
    "checks",
    "gradings",
    "minutes",
    "hints",
    "beliefs",
    "first",
    "last",
  ];
  const rows = [...learners].flatMap(({ name, lessons }) =>
    catalogue.lessons.flatMap(({ id }) => {
      const lesson = Object.hasOwn(lessons, id) ? lessons[id] : undefined;
      if (!lesson) return [];
      return [
        [
          name,
          id,
          lesson.passed ? "yes" : "no",
          lesson.ok,
          lesson.of,
          lesson.gradings,
          Math.round(lesson.workMs / 60_000),
          lesson.hints,
          Object.keys(lesson.beliefs)
            .filter((belief) => beliefOf(catalogue, id, belief))
            .join(" "),
          new Date(lesson.firstAt).toISOString(),
          new Date(lesson.lastAt).toISOString(),
        ],
      ];
    }),
  );
  return `${[head, ...rows].map((row) => row.map(cell).join(",")).join("\r\n")}\r\n`;
}

function cell(value: string | number): string {
  const text = String(value);
  const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
