// A function that a check hands to the learner's program, and that remembers its calls.

export interface Call<Args extends readonly unknown[]> {
  readonly args: Args;
  /** Milliseconds, from `performance.now()`. */
  readonly at: number;
  /** When the answer was given; undefined while it is being worked on. */
  ended?: number;
}

export interface Hook<Args extends unknown[] = unknown[], Result = unknown> {
  (...args: Args): Promise<Awaited<Result>>;
  readonly calls: readonly Call<Args>[];
  /** The first argument of each call. */
  readonly received: readonly Args[0][];
  /** Calls that are being worked on now. */
  readonly running: number;
  /** The highest number of calls that were worked on at once. */
  readonly peak: number;
}

/** Called whenever any hook is called or answers; the kit looks at its conditions again then. */
export const hookListeners = new Set<() => void>();

/**
 * Makes a hook.
 * @param behaviour what the check's side does for each call; its result goes back to the program. May take as long as the check likes.
 */
export function hook<Args extends unknown[], Result>(
  behaviour: (...args: Args) => Result = () => undefined as Result,
): Hook<Args, Result> {
  const calls: Call<Args>[] = [];
  let running = 0;
  let peak = 0;
  const called = async (...args: Args) => {
    const call: Call<Args> = { args, at: performance.now() };
    calls.push(call);
    running++;
    peak = Math.max(peak, running);
    stir();
    try {
      return await behaviour(...args);
    } finally {
      running--;
      call.ended = performance.now();
      stir();
    }
  };
  return Object.defineProperties(called, {
    calls: { get: () => calls },
    received: { get: () => calls.map((call) => call.args[0]) },
    running: { get: () => running },
    peak: { get: () => peak },
  }) as Hook<Args, Result>;
}

/** A call that never ends. */
export function hang(): Promise<never> {
  return new Promise(() => {});
}

/** A gate: callers wait at it until the check opens it. */
export function gate(): { wait(): Promise<void>; open(): void } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { wait: () => opened, open };
}

function stir(): void {
  for (const listener of hookListeners) listener();
}
