// What a check leaves to be cleared up. A process that grades once does it at once; one that stays open does it after the verdict,
// because to remove folders and look through all processes costs more than a check.

type ClearUp = () => void | Promise<void>;

let put: ((clearUp: ClearUp) => void) | undefined;

/** From here on clearing up is handed over to whoever calls this; undefined: it is done at once again. */
export function clearUpLater(later: ((clearUp: ClearUp) => void) | undefined): void {
  put = later;
}

/** Clears up, now or later. */
export async function clearUp(act: ClearUp): Promise<void> {
  if (put) put(act);
  else await act();
}
