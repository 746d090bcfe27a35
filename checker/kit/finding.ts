// What a check found: the words that the learner reads, with the evidence for them.

/** Why a check failed. Everything that stops a check is turned into one of these; it becomes a test of the verdict. */
export interface FindingParts {
  /** What was seen, what was expected and why, in plain sentences. */
  readonly message: string;
  /** The stable id of the belief, or of the misbehaviour, that explains it. */
  readonly diagnosis?: string;
  /** What was seen on the wire or in the server, a line each. */
  readonly evidence?: readonly string[];
  /** The idea behind it, in the words of someone who holds it; for a diagnosed belief. */
  readonly belief?: string;
  /** A first nudge for whoever holds the belief. */
  readonly hint?: string;
  /** The anchor in the lesson's README where this is put right. */
  readonly readme?: string;
  /** The learner's own line. */
  readonly location?: Location;
  /** `error`: the program could not run at all. Default `fail`. */
  readonly status?: "fail" | "error";
}

export interface Location {
  readonly line: number;
  readonly column: number;
}

export class Finding extends Error {
  override readonly name = "Finding";
  constructor(readonly parts: FindingParts) {
    super(parts.message);
  }
}

/** A check that cannot be made here, for example because the server is too old. It is skipped, in these words. */
export class CannotCheck extends Error {
  override readonly name = "CannotCheck";
}
