// What the host makes of a learner's messages, and the dashboard shows. Types only, for both sides.
import type { Announcement, Pace } from "./messages.ts";

export interface LearnerSummary {
  readonly id: string;
  readonly name: string;
  /** Times are the host's, in milliseconds since 1970. */
  readonly joinedAt: number;
  lastAt?: number;
  /** Results counted so far. */
  results: number;
  /** Messages that were not understood. */
  refused: number;
  /** The lesson of the last result. */
  current?: string;
  lessons: Record<string, LessonSummary>;
  hand?: Hand;
}

export interface Hand {
  readonly at: number;
  /** The message that raised it. */
  readonly n: number;
  readonly text?: string;
}

export interface LessonSummary {
  passed: boolean;
  firstAt: number;
  lastAt: number;
  passedAt?: number;
  gradings: number;
  /** Checks of the last result. */
  ok: number;
  of: number;
  /** What the last result showed; a check without a diagnosis is counted, too. */
  failing: { readonly check: string; readonly diagnosis?: string }[];
  /** Since when nothing has become better and the diagnoses are the same. */
  stuckSince?: number;
  /** In how many results each belief was seen. */
  beliefs: Record<string, number>;
  /** Time at work: pauses are not counted. */
  workMs: number;
  hints: number;
}

/** What the instructor has said, and to whom. */
export interface RoomState {
  announcements: Announcement[];
  pace?: Pace;
  /** The hands that were lowered from the desk: the number of the message that had raised each. */
  lowered: Record<string, number>;
  removed: string[];
}

export interface SharedCode {
  readonly learner: string;
  readonly lesson: string;
  readonly code: string;
  readonly at: number;
}

/** What the host knows of the course: words on the dashboard are from here, never from a learner. */
export interface Catalogue {
  readonly lessons: readonly CatalogueLesson[];
}

export interface CatalogueLesson {
  readonly id: string;
  readonly title: string;
  readonly minutes: number;
  /** The lesson's page on the host's site. */
  readonly page: string;
  readonly beliefs: readonly CatalogueBelief[];
}

export interface CatalogueBelief {
  readonly id: string;
  readonly check: string;
  readonly belief: string;
  readonly hint: string;
  readonly page: string;
  /** The recorded timeline, as an address on the host. */
  readonly timeline?: string;
}
