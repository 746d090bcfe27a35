// How a rung of the ladder fails.

/** Whether a call of the system failed, on the disk for example: code that is wrong has no such words. */
export function isOfTheSystem(error: unknown): error is NodeJS.ErrnoException {
  const { code, syscall } = error as NodeJS.ErrnoException;
  return Boolean(code && syscall);
}

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
