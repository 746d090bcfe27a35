// Time that is fair to slow machines: a budget is spent only while this process really gets to run.
import { setTimeout as sleep } from "node:timers/promises";

/** How often conditions are looked at when nothing tells that something changed. */
const tickMs = 10;
/** A tick that took longer than this was the machine's doing (load, a closed laptop), and counts as this much. */
const longestTickMs = 25;

/** The last measurements, as factors; the best of them counts, because one start can be slow by chance. */
const measured: number[] = [];
const keptMeasurements = 4;

/** Notes how long something took that takes `usualMs` on an idle machine of today. The factor scales all later budgets. */
export function measurePace(tookMs: number, usualMs: number): void {
  measured.push(tookMs / usualMs);
  if (measured.length > keptMeasurements) measured.shift();
}

/** How many times slower than usual this machine is now; 1 to 10. */
export function pace(): number {
  return Math.min(10, Math.max(1, measured.length > 0 ? Math.min(...measured) : 1));
}

/** A budget of time for one check. */
export class Clock {
  #spentMs = 0;
  #last: number | undefined;
  #wake = new Set<() => void>();

  /** @param stopped tells when time must not count, because someone who is waited for does not get to run */
  constructor(
    readonly budgetMs: number,
    private readonly stopped: () => boolean = () => false,
  ) {}

  get expired(): boolean {
    return this.#spentMs > this.budgetMs * pace();
  }

  /** Counts the time since the last look, a tick's worth at the most. */
  pass(): void {
    const now = performance.now();
    if (this.#last !== undefined && !this.stopped())
      this.#spentMs += Math.min(now - this.#last, longestTickMs);
    this.#last = now;
  }

  /** Waits until something changed, a tick at the most. */
  async tick(): Promise<void> {
    this.pass();
    const abort = new AbortController();
    const changed = new Promise<void>((resolve) => {
      const wake = () => resolve();
      this.#wake.add(wake);
      abort.signal.addEventListener("abort", () => this.#wake.delete(wake));
    });
    await Promise.race([changed, sleep(tickMs, undefined, { signal: abort.signal }).catch(() => {})]);
    abort.abort();
  }

  /** Time between two waits is the check's own work, and is not counted. */
  rest(): void {
    this.#last = undefined;
  }

  /** Something changed: whoever waits looks again at once. */
  stir(): void {
    for (const wake of this.#wake) wake();
  }
}
