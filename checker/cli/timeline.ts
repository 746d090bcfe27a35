// npm run timeline: what the last check of a lesson did on the wire, as text, as a drawing or as JSON.
import { writeFileSync } from "node:fs";
import { relative, resolve } from "node:path";
import { closest, distance } from "fastest-levenshtein";
import { EnvironmentTrouble, UsageError } from "../course/errors.ts";
import { findLesson } from "../course/lessons.ts";
import { type LastRun, lastRun, type RunCheck } from "../grading/last-run.ts";
import { exitStatus } from "../grading/verdict.ts";
import { Journal } from "../wire/journal.ts";
import { saveTimeline } from "../wire/timeline/json.ts";
import { type Timeline, timelineOf } from "../wire/timeline/model.ts";
import { timelinesSvg } from "../wire/timeline/svg.ts";
import { timelineText } from "../wire/timeline/text.ts";
import { currentLesson } from "./current.ts";
import { byKey, colours as c, columns, print, printError, wrap } from "./text.ts";
import { testLine } from "./verdict-text.ts";

export interface TimelineFlags {
  readonly check?: string;
  /** Only the first check that did not pass, where there is one; otherwise all. */
  readonly first?: boolean;
  readonly svg?: string;
  readonly json?: boolean;
  readonly plain?: boolean;
}

interface Shown extends RunCheck {
  /** Undefined for a check that was skipped. */
  readonly timeline: Timeline | undefined;
}

export async function runTimeline(typed: string | undefined, flags: TimelineFlags): Promise<number> {
  const lesson = typed === undefined ? currentLesson() : findLesson(typed);
  const run = lastRun(lesson);
  if (!run) {
    throw new UsageError(
      `There is no last run of ${lesson.id} to show.`,
      `${byKey("A save", `npm run check ${lesson.id}`)} grades it; then there is one.`,
    );
  }
  if (run.checks.length === 0) {
    throw new UsageError(
      `In the last run of ${lesson.id} no check could begin. ${run.message ?? ""}`.trimEnd(),
      `${byKey("The next save", `npm run check ${lesson.id}`)} grades it again.`,
    );
  }
  const only = flags.first && run.checks.find(({ status }) => status === "fail" || status === "error");
  const checks = (only ? [only] : chosen(run, flags.check)).map(
    (check): Shown => ({ ...check, timeline: drawn(check) }),
  );
  if (flags.svg !== undefined) writeSvg(resolve(flags.svg), checks);
  if (flags.json) print(JSON.stringify(documentOf(run, checks)));
  else if (flags.svg === undefined) print(textOf(run, checks, flags.plain === true));
  if (only && run.checks.length > 1)
    print(wrap(`\nnpm run timeline ${lesson.id} shows all ${run.checks.length} checks.`));
  if (flags.svg !== undefined) printError(`Written: ${flags.svg}`);
  return exitStatus.passed;
}

/** @throws UsageError that names the nearest when no check has a name like this */
function chosen({ checks }: LastRun, wanted: string | undefined): readonly RunCheck[] {
  if (wanted === undefined) return checks;
  const found = checks.filter(({ name }) => name.toLowerCase().includes(wanted.trim().toLowerCase()));
  if (found.length > 0) return found;
  const names = checks.map(({ name }) => name);
  const near = nearest(wanted, names);
  throw new UsageError(
    `The last run has no check with "${wanted}" in its name.`,
    near
      ? `Did you mean "${near}"? Without --check, all are shown.`
      : `Its checks are: ${names.map((name) => `"${name}"`).join(", ")}.`,
  );
}

/** People remember a word or two of a name, so names are compared with it piece by piece; undefined when nothing is like it. */
function nearest(wanted: string, names: readonly string[]): string | undefined {
  const typed = wanted.trim().toLowerCase();
  const pieces = new Map<string, string>();
  const count = typed.split(/\s+/).length;
  for (const name of names) {
    const words = name.toLowerCase().split(/\s+/);
    for (let i = 0; i + count <= words.length; i++) pieces.set(words.slice(i, i + count).join(" "), name);
    pieces.set(name.toLowerCase(), name);
  }
  const piece = closest(typed, [...pieces.keys()]);
  return distance(typed, piece) <= typed.length / 2 ? pieces.get(piece) : undefined;
}

function drawn({ name, journal }: RunCheck): Timeline | undefined {
  return journal && timelineOf(Journal.load(journal), { title: name });
}

function textOf(run: LastRun, checks: readonly Shown[], plain: boolean): string {
  const file = relative(process.cwd(), run.file);
  const head = `${run.lesson}  on the wire, ${new Date(run.at).toLocaleString("sv")}`;
  const parts = [wrap(plain ? head : c.bold(head)), wrap(`of ${file.startsWith("..") ? run.file : file}`, 2)];
  for (const check of checks) {
    parts.push("", plain ? wrap(`${results[check.status]}: ${check.name}`) : testLine(check));
    if (check.status !== "pass" && check.message) parts.push(wrap(check.message, plain ? 0 : 6));
    if (!check.timeline) continue;
    const text = timelineText(check.timeline, { width: columns(), colour: c.isColorSupported, plain });
    parts.push("", (plain ? wrap(text) : text) || "Nothing was on the wire.");
  }
  return parts.join("\n");
}

const results = { pass: "Passed", fail: "Not yet", error: "Not yet", skip: "Skipped" } as const;

function documentOf({ version, lesson, at, file }: LastRun, checks: readonly Shown[]) {
  return {
    version,
    lesson,
    at,
    file,
    checks: checks.map(({ name, status, message, durationMs, timeline }) => ({
      name,
      status,
      ...(message && { message }),
      durationMs,
      ...(timeline && { timeline: saveTimeline(timeline) }),
    })),
  };
}

function writeSvg(file: string, checks: readonly Shown[]): void {
  const timelines = checks.flatMap(({ timeline, status }) =>
    timeline ? [{ ...timeline, title: `${timeline.title}: ${results[status].toLowerCase()}` }] : [],
  );
  try {
    writeFileSync(file, timelinesSvg(timelines));
  } catch (error) {
    throw new EnvironmentTrouble(
      `The drawing could not be written to ${file}: ${(error as Error).message}`,
      "Is there such a folder, may you write there, and is the disk not full?",
      { cause: error },
    );
  }
}
