// The links inside the site: made relative, so that they work at a root, under a sub-path and from a folder on disk; and
// checked once all pages are there, so that a broken one fails the build.
import { posix } from "node:path";

/** Where a link was written: a file of the repository and, where it is known, a line. */
export interface Origin {
  readonly file: string;
  readonly line?: number | undefined;
}

export class BrokenLinks extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(
      `${problems.length} broken ${problems.length === 1 ? "link" : "links"}:\n${problems.map((problem) => `  ${problem}`).join("\n")}`,
    );
    this.name = "BrokenLinks";
    this.problems = problems;
  }
}

/** The way from one page of the site to another, both as paths from its root. */
export function relativeLink(from: string, to: string, anchor = ""): string {
  const hash = anchor === "" ? "" : `#${anchor}`;
  if (from === to && hash !== "") return hash;
  return (posix.relative(posix.dirname(from), to) || posix.basename(to)) + hash;
}

export class Links {
  private readonly seen: { to: string; anchor: string; origin: Origin }[] = [];
  private readonly problems: string[] = [];

  /** Gives the link to write on the page `from`, and remembers to check that it leads somewhere. */
  to(from: string, page: string, anchor: string, origin: Origin): string {
    this.seen.push({ to: page, anchor, origin });
    return relativeLink(from, page, anchor);
  }

  /** A link that is wrong whatever the pages hold. */
  broken(origin: Origin, problem: string): void {
    this.problems.push(`${place(origin)}: ${problem}`);
  }

  /** @throws BrokenLinks that names them all, each with the file and line that it stands in */
  check(files: ReadonlyMap<string, string>): void {
    const ids = new Map<string, Set<string>>();
    for (const [path, text] of files) {
      if (!path.endsWith(".html")) continue;
      ids.set(path, new Set([...text.matchAll(/\sid="([^"]+)"/g)].map((match) => match[1] ?? "")));
    }
    for (const { to, anchor, origin } of this.seen) {
      if (!files.has(to)) this.problems.push(`${place(origin)}: there is no page ${to}`);
      else if (anchor !== "" && !ids.get(to)?.has(anchor))
        this.problems.push(`${place(origin)}: ${to} has no heading #${anchor}`);
    }
    if (this.problems.length > 0) throw new BrokenLinks([...new Set(this.problems)]);
  }
}

function place({ file, line }: Origin): string {
  return line === undefined ? file : `${file}:${line}`;
}
