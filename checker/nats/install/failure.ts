// How a rung of the ladder fails.

/** A rung that was tried and did not serve. The message is one line, and says why. */
export class InstallFailure extends Error {
  override readonly name = "InstallFailure";
  /** @param mend what a person could do to make this rung serve */
  constructor(
    message: string,
    readonly mend?: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
