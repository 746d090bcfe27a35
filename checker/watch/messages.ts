// What the watch and its grading process say to each other.

import type { TestResult, Verdict } from "../grading/verdict.ts";
import type { FindingParts } from "../kit/finding.ts";
import type { FoundProgram } from "../nats/install/find.ts";

export type ToGrader =
  | { readonly type: "prepare"; readonly lesson: string; readonly server: FoundProgram }
  | {
      readonly type: "grade";
      readonly id: number;
      readonly lesson: string;
      readonly server: FoundProgram;
      /** What is graded in place of the lesson's exercise. It is not remembered as the exercise's run. */
      readonly file?: string;
      /** The name of the one check that is played. Default: all are. */
      readonly only?: string;
    }
  /** The verdicts up to this one are not wanted any more. */
  | { readonly type: "drop"; readonly id: number };

/** What a grading says carries its number; `trouble` without one is of the preparation. */
export type FromGrader =
  | { readonly type: "ready" }
  | { readonly type: "dropped"; readonly id: number }
  | { readonly type: "test"; readonly id: number; readonly test: TestResult }
  | {
      readonly type: "verdict";
      readonly id: number;
      readonly verdict: Verdict;
      readonly findings: ReadonlyMap<string, FindingParts>;
    }
  | {
      readonly type: "trouble";
      readonly id?: number;
      readonly kind: "environment" | "usage" | "checker";
      readonly message: string;
      readonly advice: string;
    };
