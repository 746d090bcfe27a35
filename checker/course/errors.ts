// The two kinds of trouble that are not the learner's program: a command used wrongly, and an environment that cannot serve.

/** Trouble with the machine or the installation (no server, no disk, no network). Exit status 3; never a learner's failure. */
export class EnvironmentTrouble extends Error {
  override readonly name = "EnvironmentTrouble";
  /**
   * @param message what happened, with the value that did it
   * @param advice what the person can do next, as a sentence; may hold several lines
   */
  constructor(
    message: string,
    readonly advice: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** A command that was used wrongly. Exit status 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  constructor(
    message: string,
    readonly advice: string,
  ) {
    super(message);
  }
}
