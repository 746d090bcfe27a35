// What the browser keeps for the reader, and nobody else: the theme and the ticks. A browser that keeps nothing is fine, too.

export type Theme = "system" | "light" | "dark";

export function chosenTheme(): Theme {
  const value = read("learn-nats.theme");
  return value === "light" || value === "dark" ? value : "system";
}

export function keepTheme(theme: Theme): void {
  write("learn-nats.theme", theme);
}

/** The ids of the lessons that are ticked off. */
export function ticks(): Set<string> {
  return new Set((read("learn-nats.done") ?? "").split(" ").filter((id) => id !== ""));
}

export function keepTicks(done: ReadonlySet<string>): void {
  write("learn-nats.done", [...done].sort().join(" "));
}

function read(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function write(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Private windows may refuse.
  }
}
