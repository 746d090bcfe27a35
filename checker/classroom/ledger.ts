// Makes of the learners' messages what the room is doing. Each message counts once and in its learner's order, however often and
// in whatever order it comes; so the whole can be made again from the stream at any time.
import { allLessons } from "../course/lessons.ts";
import { type Body, type Message, mostMessages, type Result } from "./messages.ts";
import type { LearnerSummary, LessonSummary, SharedCode } from "./summary.ts";

/** Failing checks of a lesson that are told: more are forged, and a summary must fit into a message. */
const mostFailing = 20;
/** A longer pause is one: lunch is not work. */
const longestPauseMs = 10 * 60_000;
const longestAgeMs = 24 * 3_600_000;

/** One message as it lies in the stream. */
export interface Arrived {
  readonly learner: string;
  readonly message: Message;
  /** When the server stored it. */
  readonly at: number;
  /** Its place in the stream. */
  readonly sequence: number;
}

interface Entry {
  readonly summary: LearnerSummary;
  /** All numbers up to this one have been counted. */
  upTo: number;
  /** Arrived before one that should come first. */
  readonly early: Map<number, Arrived>;
  /** Taken back: nothing will come under these numbers. */
  readonly erased: Set<number>;
  readonly shares: Map<string, { sequence: number; n: number; shared: SharedCode }[]>;
}

export class Ledger {
  readonly #entries = new Map<string, Entry>();

  /**
   * @param erase told where the messages lie that a learner has taken back
   * @param lessons those of the course; what is said of another one counts as not understood
   */
  constructor(
    private readonly erase: (sequences: readonly number[]) => void = () => {},
    private readonly lessons: ReadonlySet<string> = new Set(allLessons().map(({ id }) => id)),
  ) {}

  add({ id, name, joinedAt }: Pick<LearnerSummary, "id" | "name" | "joinedAt">): void {
    if (this.#entries.has(id)) return;
    this.#entries.set(id, {
      summary: { id, name, joinedAt, results: 0, refused: 0, lessons: dictionary() },
      upTo: 0,
      early: new Map(),
      erased: new Set(),
      shares: new Map(),
    });
  }

  forget(id: string): void {
    this.#entries.delete(id);
  }

  has(id: string): boolean {
    return this.#entries.has(id);
  }

  summary(id: string): LearnerSummary | undefined {
    return this.#entries.get(id)?.summary;
  }

  summaries(): LearnerSummary[] {
    return [...this.#entries.values()].map((entry) => entry.summary);
  }

  /** All messages of the learner up to this number have been counted. */
  upTo(id: string): number {
    return this.#entries.get(id)?.upTo ?? 0;
  }

  /** What the learner shows now, the last of each lesson. */
  shared(id: string): SharedCode[] {
    return [...(this.#entries.get(id)?.shares.values() ?? [])].flatMap((all) => all.at(-1)?.shared ?? []);
  }

  lower(id: string, n: number): void {
    const summary = this.#entries.get(id)?.summary;
    if (summary?.hand && summary.hand.n <= n) delete summary.hand;
  }

  /** Counts a message. @returns false when it is of nobody that we know, or was counted before */
  count(arrived: Arrived): boolean {
    const entry = this.#entries.get(arrived.learner);
    const { n, body } = arrived.message;
    if (!entry || n <= entry.upTo || entry.early.has(n)) return false;
    // Bounded, for whoever sends only the second of two.
    if (entry.early.size >= mostMessages) return false;
    if (body?.kind === "unshare") for (const taken of body.takesBack) entry.erased.add(taken);
    entry.early.set(n, arrived);
    this.#settle(entry);
    return true;
  }

  #settle(entry: Entry): void {
    for (;;) {
      const next = entry.upTo + 1;
      const arrived = entry.early.get(next);
      if (arrived) {
        entry.early.delete(next);
        this.#apply(entry, arrived);
      } else if (!entry.erased.has(next)) return;
      entry.erased.delete(next);
      entry.upTo = next;
    }
  }

  #apply(entry: Entry, { message, at: stored, sequence }: Arrived): void {
    const { summary } = entry;
    const at = stored - Math.min(message.ageMs, longestAgeMs);
    const { body, n } = message;
    summary.lastAt = Math.max(summary.lastAt ?? 0, at);
    if (!body || ("lesson" in body && !this.lessons.has(body.lesson))) {
      summary.refused++;
      return;
    }
    const acts: { [K in Body["kind"]]: (said: Extract<Body, { kind: K }>) => void } = {
      result: (said) => countResult(summary, said, at),
      hand: ({ up, text }) => {
        delete summary.hand;
        if (up) summary.hand = { at, n, ...(text && { text }) };
      },
      share: ({ lesson, code }) => {
        const shared = { learner: summary.id, lesson, code, at };
        entry.shares.set(lesson, [...(entry.shares.get(lesson) ?? []), { sequence, n, shared }]);
      },
      unshare: ({ lesson }) => {
        const taken = entry.shares.get(lesson) ?? [];
        entry.shares.delete(lesson);
        if (taken.length > 0) this.erase(taken.map((each) => each.sequence));
      },
    };
    (acts[body.kind] as (said: Body) => void)(body);
  }
}

function countResult(summary: LearnerSummary, result: Result, at: number): void {
  summary.results++;
  summary.current = result.lesson;
  const lesson = summary.lessons[result.lesson] ?? fresh(at);
  summary.lessons[result.lesson] = lesson;
  const ok = result.checks.filter(({ status }) => status === "pass").length;
  const failing = result.checks
    .filter(({ status }) => status === "fail" || status === "error")
    .map(({ name, diagnosis }) => ({ check: name, ...(diagnosis && { diagnosis }) }))
    .slice(0, mostFailing);
  const ids = (list: LessonSummary["failing"]) =>
    [...new Set(list.map(({ diagnosis }) => diagnosis ?? ""))].sort().join();
  const moved = lesson.gradings === 0 || ok > lesson.ok || ids(failing) !== ids(lesson.failing);
  if (result.status === "pass") {
    delete lesson.stuckSince;
    lesson.passedAt ??= at;
    lesson.passed = true;
  } else if (moved || lesson.stuckSince === undefined) lesson.stuckSince = at;
  const pause = at - lesson.lastAt;
  lesson.workMs += Math.round(pause <= longestPauseMs ? Math.max(0, pause) : 0);
  lesson.lastAt = Math.max(lesson.lastAt, at);
  lesson.gradings++;
  lesson.ok = ok;
  lesson.of = result.checks.length;
  lesson.failing = failing;
  lesson.hints = result.hints.general + result.hints.beliefs.length;
  for (const belief of new Set(failing.flatMap(({ diagnosis }) => diagnosis ?? [])))
    lesson.beliefs[belief] = (lesson.beliefs[belief] ?? 0) + 1;
}

const fresh = (at: number): LessonSummary => ({
  passed: false,
  firstAt: at,
  lastAt: at,
  gradings: 0,
  ok: 0,
  of: 0,
  failing: [],
  beliefs: dictionary(),
  workMs: 0,
  hints: 0,
});

/** Without a prototype: a lesson may be called `constructor` by whoever forges results. */
function dictionary<T>(): Record<string, T> {
  return Object.create(null) as Record<string, T>;
}
