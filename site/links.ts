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

/** What is to be checked of a link, or what is wrong with it already. */
export type Written = { to: string; anchor: string; origin: Origin } | { problem: string };

export class Links {
  private written: Written[] = [];
  /** The anchors of each page, as long as its text stays the same. */
  private readonly anchors = new Map<string, { text: string; ids: ReadonlySet<string> }>();

  /** Forgets the links of the last build. */
  begin(): void {
    this.written = [];
  }

  /** Makes something, and tells which links were written in it; they count once they are added. */
  during<T>(make: () => T): { made: T; written: readonly Written[] } {
    const outside = this.written;
    this.written = [];
    try {
      const made = make();
      return { made, written: this.written };
    } finally {
      this.written = outside;
    }
  }

  add(written: readonly Written[]): void {
    this.written.push(...written);
  }

  /** Gives the link to write on the page `from`, and remembers to check that it leads somewhere. */
  to(from: string, page: string, anchor: string, origin: Origin): string {
    this.written.push({ to: page, anchor, origin });
    return relativeLink(from, page, anchor);
  }

  /** A link that is wrong whatever the pages hold. */
  broken(origin: Origin, problem: string): void {
    this.written.push({ problem: `${place(origin)}: ${problem}` });
  }

  /** @throws BrokenLinks that names them all, each with the file and line that it stands in */
  check(files: ReadonlyMap<string, string>): void {
    const problems = new Set<string>();
    for (const link of this.written) {
      if ("problem" in link) problems.add(link.problem);
      else if (!files.has(link.to)) problems.add(`${place(link.origin)}: there is no page ${link.to}`);
      else if (link.anchor !== "" && !this.anchorsOf(link.to, files.get(link.to) ?? "").has(link.anchor))
        problems.add(`${place(link.origin)}: ${link.to} has no heading #${link.anchor}`);
    }
    if (problems.size > 0) throw new BrokenLinks([...problems]);
  }

  private anchorsOf(path: string, text: string): ReadonlySet<string> {
    const known = this.anchors.get(path);
    if (known?.text === text) return known.ids;
    const ids = new Set([...text.matchAll(/\sid="([^"]+)"/g)].map((match) => match[1] ?? ""));
    this.anchors.set(path, { text, ids });
    return ids;
  }
}

function place({ file, line }: Origin): string {
  return line === undefined ? file : `${file}:${line}`;
}
