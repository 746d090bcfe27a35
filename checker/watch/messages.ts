// What the watch and its grading process say to each other.

import type { TestResult, Verdict } from "../grading/verdict.ts";
import type { FindingParts } from "../kit/finding.ts";
import type { FoundProgram } from "../nats/install/find.ts";

export type ToGrader =
  | { readonly type: "prepare"; readonly lesson: string; readonly server: FoundProgram }
  | { readonly type: "grade"; readonly lesson: string; readonly server: FoundProgram };

export type FromGrader =
  | { readonly type: "ready" }
  | { readonly type: "test"; readonly test: TestResult }
  | {
      readonly type: "verdict";
      readonly verdict: Verdict;
      readonly findings: ReadonlyMap<string, FindingParts>;
    }
  | {
      readonly type: "trouble";
      readonly kind: "environment" | "usage" | "checker";
      readonly message: string;
      readonly advice: string;
    };
