// While the site is served: what would be made of the same things as in the last build is not made again.

interface Entry {
  readonly from: readonly unknown[];
  readonly made: unknown;
}

export class Kept {
  private before = new Map<string, Entry>();
  private now = new Map<string, Entry>();

  /** Begins a build. What the last one did not ask for is forgotten. */
  begin(): void {
    this.before = this.now;
    this.now = new Map();
  }

  /** What `make` gave in the last build, if it was made of the same values then; else what it gives now. */
  of<T>(name: string, from: readonly unknown[], make: () => T): T {
    const last = this.before.get(name);
    const same = last?.from.length === from.length && last.from.every((value, i) => value === from[i]);
    const made = same ? (last.made as T) : make();
    this.now.set(name, { from, made });
    return made;
  }

  clear(): void {
    this.now.clear();
  }
}
