// Counts failures of each address, so that a code cannot be guessed.

/** Wrong codes of one address in one minute. */
const most = 10;
const windowMs = 60_000;
/** Addresses that are remembered; beyond that the oldest are forgotten. */
const mostAddresses = 10_000;

export class FailureLimit {
  readonly #failures = new Map<string, { count: number; until: number }>();

  /** @returns for how many seconds this address has to wait; 0 when it need not */
  waitSeconds(address: string): number {
    const entry = this.#failures.get(address);
    if (!entry || entry.count < most) return 0;
    const left = entry.until - Date.now();
    return left > 0 ? Math.ceil(left / 1_000) : 0;
  }

  failed(address: string): void {
    const now = Date.now();
    const entry = this.#failures.get(address);
    if (entry && entry.until > now) entry.count++;
    else {
      this.#failures.delete(address);
      this.#failures.set(address, { count: 1, until: now + windowMs });
    }
    if (this.#failures.size > mostAddresses)
      for (const oldest of [...this.#failures.keys()].slice(0, mostAddresses / 10))
        this.#failures.delete(oldest);
  }
}
