// How the watch shows what happens: a screen that is drawn afresh on a terminal, plain lines in a pipe or for a screen reader.
import { relative } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { allLessons, type Lesson, readReadme } from "../course/lessons.ts";
import { readProgress } from "../course/progress.ts";
import type { TestResult, Verdict } from "../grading/verdict.ts";
import { colours as c, columns, cut, wrap } from "./text.ts";
import { firstFailure, plainTestLine, testLine, verdictText } from "./verdict-text.ts";

export interface WatchView {
  /** A lesson that is not graded yet. */
  lesson(lesson: Lesson): void;
  /** A save is being graded. */
  grading(lesson: Lesson): void;
  /** A check ended. */
  test(test: TestResult): void;
  verdict(verdict: Verdict, lesson: Lesson, end: string): void;
  /** Words below what is shown. */
  say(text: string): void;
  /** Lets someone else write below what is shown. */
  section(write: () => Promise<unknown>): Promise<void>;
  /** A question that the next key answers. */
  ask(question: string): void;
  /** The question was answered. */
  answered(): void;
  /** A second went by while something is graded. */
  tick(): void;
  /** Draws it all again, for another width. */
  redraw(): void;
  /** Takes away what was said below. */
  back(): void;
  /** Shows every check, and each that failed with its explanation, where there was no room for all. */
  whole(): void;
  close(): void;
}

const near = (path: string) => relative(process.cwd(), path) || path;

/** What stands below everything: the keys. */
const keyHelp = [
  ["h", "hint"],
  ["n", "next"],
  ["p", "previous"],
  ["l", "list"],
  ["r", "run"],
  ["x", "reset"],
  ["s", "solution"],
  ["t", "timeline"],
  ["o", "page"],
  ["e", "editor"],
  ["q", "quit"],
  ["?", "help"],
] as const;

const explained = [
  ["h", "a hint: first for what your last check showed, then the lesson's own, one by one"],
  ["n p", "the next lesson, the previous lesson"],
  ["l", "the list of lessons, to search and to choose from"],
  ["r", "grade again"],
  ["v", "show every check, when there was room for the first that failed only"],
  ["x", "back to the starter; your file is backed up first"],
  ["u", "undo: bring back what x replaced"],
  ["s", "the reference solution beside your own file"],
  ["t", "the timeline of the first check that failed: what your program did on the wire"],
  ["o", "open the lesson's page in the browser"],
  ["e", "open the exercise in your editor"],
  ["w", "in a classroom: raise your hand, or take it down"],
  ["q", "quit; npm start comes back to this lesson"],
  ["Enter", "back to the verdict"],
] as const;

/** Every key in a line of its own. */
export function fullHelp(): string {
  return explained.map(([key, what]) => `  ${key.padEnd(5)}  ${wrap(what, 9).trimStart()}`).join("\n");
}

function intro(lesson: Lesson): string {
  const { summary, minutes } = readReadme(lesson).matter;
  return [
    wrap(summary, 2),
    "",
    wrap(`Read   ${near(lesson.readme)}`, 2),
    wrap(`Write  ${near(lesson.exercise)}`, 2),
    "",
    wrap(`Each time you save the exercise, it is graded here. The lesson takes about ${minutes} minutes.`, 2),
  ].join("\n");
}

function headline(lesson: Lesson): string {
  const { lessons } = readProgressOrNone();
  const all = allLessons();
  const passed = all.filter((each) => lessons[each.id]?.passedAt).length;
  const right = `${passed} of ${all.length} lessons passed`;
  const left = cut(`${lesson.id}  ${readReadme(lesson).matter.title}`, columns() - right.length - 2);
  return `${c.bold(left)}${" ".repeat(Math.max(2, columns() - left.length - right.length))}${c.dim(right)}`;
}

/** A count is not worth a failure; who writes progress tells of the trouble. */
function readProgressOrNone() {
  try {
    return readProgress();
  } catch {
    return { lessons: {} as ReturnType<typeof readProgress>["lessons"] };
  }
}

function standing({ tests, typeErrors, status }: Verdict): string {
  const passed = tests.filter(({ status }) => status === "pass").length;
  const skipped = tests.filter(({ status }) => status === "skip").length;
  const also = skipped > 0 ? `, ${skipped} skipped` : "";
  if (status === "pass") return `${c.green(c.bold("Passed."))} All ${passed} checks${also}.`;
  const types =
    typeErrors.length > 0 && passed + skipped === tests.length ? " The types are still wrong." : "";
  return `${c.bold("Not yet.")} ${passed} of ${tests.length} checks passed${also}.${types}`;
}

const clock = () => new Date().toLocaleTimeString("sv");

/** The screen of a terminal. What is said below the verdict scrolls as in any terminal; a save draws all afresh. */
export class ScreenView implements WatchView {
  #main: () => string = () => "";
  #footerLines = 0;
  #status = "";
  /** Below the verdict, until the next save. */
  #said: string[] = [];
  #gradingFrom: number | undefined;
  #question: string | undefined;
  #live: { lesson: Lesson; tests: TestResult[] } | undefined;
  #whole = false;
  /** While someone else has the terminal. */
  #away = false;

  lesson(lesson: Lesson): void {
    this.#live = undefined;
    this.#said = [];
    this.#gradingFrom = undefined;
    this.#main = () => `${headline(lesson)}\n\n${intro(lesson)}\n`;
    this.#status = "waiting for you to save";
    this.redraw();
  }

  grading(lesson: Lesson): void {
    this.#question = undefined;
    this.#said = [];
    this.#whole = false;
    this.#gradingFrom = performance.now();
    this.#status = `grading, saved at ${clock()}`;
    const live = { lesson, tests: [] as TestResult[] };
    this.#live = live;
    this.#main = () => `${headline(lesson)}\n\n${liveText(live)}`;
    this.redraw();
  }

  test(test: TestResult): void {
    this.#live?.tests.push(test);
    this.redraw();
  }

  verdict(verdict: Verdict, lesson: Lesson, end: string): void {
    this.#live = undefined;
    const took = Math.round(performance.now() - (this.#gradingFrom ?? performance.now()));
    this.#gradingFrom = undefined;
    this.#status = `graded at ${clock()} in ${(took / 1_000).toFixed(took < 1_000 ? 2 : 1)} s`;
    this.#main = () => {
      const text = (brief: boolean) =>
        `${headline(lesson)}\n\n${verdictText(verdict, lesson, { body: true, brief })}\n  ${standing(verdict)}\n${end ? `\n${end}\n` : ""}`;
      const room = (process.stdout.rows || 24) - 5;
      const all = text(false);
      if (this.#whole || height(all) <= room || verdict.status === "pass") return all;
      return `${text(true)}${c.dim(wrap("Only the first one is explained here. v shows them all.", 2))}\n`;
    };
    this.redraw();
  }

  say(text: string): void {
    this.#said.push(text);
    this.#write(`${text}\n`);
  }

  back(): void {
    this.#said = [];
    this.redraw();
  }

  async section(write: () => Promise<unknown>): Promise<void> {
    this.#eraseFooter();
    this.#away = true;
    process.stdout.write("\n");
    try {
      await write();
    } finally {
      this.#away = false;
      this.#drawFooter();
    }
  }

  ask(question: string): void {
    this.#question = question;
    this.#write("");
  }

  tick(): void {
    if (this.#gradingFrom === undefined || this.#away) return;
    const seconds = Math.floor((performance.now() - this.#gradingFrom) / 1_000);
    this.#status = `grading for ${seconds} s; a save begins anew`;
    this.#write("");
  }

  redraw(): void {
    if (this.#away) return;
    // Line by line over what was there: nothing flickers.
    const said = this.#said.map((text) => `${text}\n`).join("");
    const lines = `${this.#main()}${said}`.split("\n");
    this.#footerLines = 0;
    process.stdout.write(`\u001b[H${lines.map((line) => `${line}\u001b[K`).join("\n")}\u001b[J`);
    this.#drawFooter();
  }

  whole(): void {
    this.#whole = true;
    this.redraw();
  }

  close(): void {
    this.#eraseFooter();
  }

  answered(): void {
    this.#question = undefined;
    this.#write("");
  }

  #write(text: string): void {
    if (this.#away) return;
    this.#eraseFooter();
    process.stdout.write(text);
    this.#drawFooter();
  }

  #eraseFooter(): void {
    const up = this.#footerLines > 1 ? `\u001b[${this.#footerLines - 1}A` : "";
    if (this.#footerLines > 0) process.stdout.write(`\r${up}\u001b[J`);
    this.#footerLines = 0;
  }

  #drawFooter(): void {
    const bar = c.dim("─".repeat(columns()));
    const status = c.dim(cut(this.#status));
    const lines = this.#question ? wrap(this.#question).split("\n") : keyLines();
    const footer = ["", bar, status, ...lines];
    this.#footerLines = footer.length;
    process.stdout.write(footer.join("\n"));
  }
}

/** The keys in as few lines as the width allows. */
function keyLines(): string[] {
  const lines: string[] = [];
  let length = 0;
  for (const [key, word] of keyHelp) {
    const shown = key.length + 1 + word.length;
    const text = `${c.bold(key)} ${c.dim(word)}`;
    if (lines.length === 0 || length + 2 + shown > columns()) {
      lines.push(text);
      length = shown;
    } else {
      lines[lines.length - 1] += `  ${text}`;
      length += 2 + shown;
    }
  }
  return lines;
}

/** The checks that ended so far; the first one that failed with all it has to say. */
function liveText({ lesson, tests }: { lesson: Lesson; tests: readonly TestResult[] }): string {
  const failed = tests.find(({ status }) => status === "fail" || status === "error");
  const others = tests.filter((test) => test !== failed).map(testLine);
  const first = failed ? [testLine(failed), firstFailure(failed, { file: lesson.exercise }, lesson)] : [];
  return [...first, ...others].map((line) => `${line}\n`).join("");
}

/** Lines of the terminal that a text takes. */
function height(text: string): number {
  const bare = stripVTControlCharacters(text);
  const width = process.stdout.columns || 80;
  return bare.split("\n").reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / width)), 0);
}

/** Lines one after another, nothing drawn over: for pipes, logs and screen readers. */
export class PlainView implements WatchView {
  #failed = false;

  lesson(lesson: Lesson): void {
    this.say(`\n${lesson.id}  ${readReadme(lesson).matter.title}\n${intro(lesson)}`);
  }

  grading(): void {
    this.#failed = false;
    this.say(`\nSaved at ${clock()}. Grading.`);
  }

  test(test: TestResult): void {
    if (this.#failed || (test.status !== "fail" && test.status !== "error")) return;
    this.#failed = true;
    this.say(`First that does not pass:\n${plainTestLine(test)}`);
  }

  verdict(verdict: Verdict, lesson: Lesson, end: string): void {
    const body = verdictText(verdict, lesson, { body: true, plain: true }).trimEnd();
    this.say(`\n${body}\n\n${wrap(standing(verdict))}${end ? `\n\n${end}` : ""}`);
  }

  say(text: string): void {
    process.stdout.write(`${text}\n`);
  }

  async section(write: () => Promise<unknown>): Promise<void> {
    await write();
  }

  ask(question: string): void {
    this.say(question);
  }

  answered(): void {}
  tick(): void {}
  redraw(): void {}
  back(): void {}
  whole(): void {}
  close(): void {}
}
