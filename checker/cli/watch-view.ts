// How the watch shows what happens: a screen that is drawn afresh on a terminal, plain lines in a pipe or for a screen reader.
import { relative } from "node:path";
import { allLessons, type Lesson, readReadme } from "../course/lessons.ts";
import { readProgress } from "../course/progress.ts";
import type { TestResult, Verdict } from "../grading/verdict.ts";
import { height, type Move, Screen } from "./screen.ts";
import { colours as c, columns, cut, wrap } from "./text.ts";
import { firstFailure, plainTestLine, testLine, verdictText } from "./verdict-text.ts";

export interface WatchView {
  /** A lesson that is not graded yet. */
  lesson(lesson: Lesson): void;
  /** A save is being graded. */
  grading(lesson: Lesson): void;
  /** A check ended. */
  test(test: TestResult): void;
  /** @param end what a passed lesson ends with */
  verdict(verdict: Verdict, lesson: Lesson, end: () => string): void;
  /** Words below what is shown; those that stay are still there when a grading begins. */
  say(text: string, stays?: boolean): void;
  /** Something is done when the verdict is there. */
  later(what: string): void;
  /** Leaves the terminal to someone else, such as an editor. */
  lend(act: () => Promise<unknown>): Promise<void>;
  /** A question that the next key answers. */
  ask(question: string): void;
  /** The question was answered. */
  answered(): void;
  /** A second went by while something is graded. */
  tick(): void;
  /** Draws it all again, for another width. */
  redraw(): void;
  /** Shows another part of what has no room. */
  move(how: Move): void;
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
  [
    "space b",
    "further down, further up, where there is more than the screen shows; the arrows do it line by line",
  ],
  ["Enter", "back to the verdict"],
] as const;

/** Every key in a line of its own. */
export function fullHelp(): string {
  return explained.map(([key, what]) => `  ${key.padEnd(7)}  ${wrap(what, 11).trimStart()}`).join("\n");
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

/** The screen of a terminal: the verdict, what was said since, and the keys. */
export class ScreenView implements WatchView {
  readonly #screen = new Screen();
  #main: () => string = () => "";
  #status = "";
  /** When the verdict is there, this is done. */
  #later = "";
  /** Below the verdict. */
  #said: { text: string; stays: boolean }[] = [];
  /** Of what was said before this grading, what is still to be read. Above the verdict, so that it has room. */
  #stayed: string[] = [];
  #gradingFrom: number | undefined;
  #question: string | undefined;
  #live: { lesson: Lesson; tests: TestResult[] } | undefined;
  #whole = false;

  constructor() {
    this.#screen.open();
  }

  lesson(lesson: Lesson): void {
    this.#live = undefined;
    this.#said = [];
    this.#stayed = [];
    this.#gradingFrom = undefined;
    this.#main = () => `${headline(lesson)}\n\n${intro(lesson)}\n`;
    this.#status = "waiting for you to save";
    this.#draw(0);
  }

  grading(lesson: Lesson): void {
    this.#question = undefined;
    this.#stayed = this.#said.filter(({ stays }) => stays).map(({ text }) => text.trim());
    this.#said = [];
    this.#whole = false;
    this.#gradingFrom = performance.now();
    this.#status = `grading, saved at ${clock()}`;
    const live = { lesson, tests: [] as TestResult[] };
    this.#live = live;
    this.#main = () => `${headline(lesson)}\n\n${liveText(live)}`;
    this.#draw(0);
  }

  test(test: TestResult): void {
    this.#live?.tests.push(test);
    this.#draw();
  }

  verdict(verdict: Verdict, lesson: Lesson, end: () => string): void {
    this.#live = undefined;
    const took = Math.round(performance.now() - (this.#gradingFrom ?? performance.now()));
    this.#gradingFrom = undefined;
    this.#later = "";
    this.#status = `graded at ${clock()} in ${(took / 1_000).toFixed(took < 1_000 ? 2 : 1)} s`;
    this.#main = () => {
      const last = end();
      const text = (brief: boolean) =>
        `${headline(lesson)}\n\n${verdictText(verdict, lesson, { body: true, brief })}\n  ${standing(verdict)}\n${last ? `\n${last}\n` : ""}`;
      const all = text(false);
      const room = this.#screen.room(this.#footer()) - height(this.#kept());
      if (this.#whole || height(all) <= room) return all;
      return `${text(true)}${leftOut(verdict)}`;
    };
    this.#draw(0);
  }

  say(text: string, stays = false): void {
    const before = this.#text().split("\n").length - 1;
    this.#said.push({ text, stays });
    // Where all has no room, the newest is what the reader asked for.
    this.#draw(text.startsWith("\n") ? before + 1 : before);
  }

  later(what: string): void {
    this.#later = what;
    this.#draw();
  }

  move(how: Move): void {
    this.#screen.move(how);
  }

  back(): void {
    this.#said = [];
    this.#stayed = [];
    this.#whole = false;
    this.#draw(0);
  }

  async lend(act: () => Promise<unknown>): Promise<void> {
    await this.#screen.lend(act);
    this.#draw();
  }

  ask(question: string): void {
    this.#question = question;
    this.#draw();
  }

  answered(): void {
    this.#question = undefined;
    this.#draw();
  }

  tick(): void {
    if (this.#gradingFrom === undefined) return;
    const seconds = Math.floor((performance.now() - this.#gradingFrom) / 1_000);
    this.#status = `grading for ${seconds} s; a save begins anew`;
    this.#draw();
  }

  redraw(): void {
    this.#draw();
  }

  whole(): void {
    this.#whole = true;
    this.#draw(0);
  }

  close(): void {
    this.#screen.close();
  }

  #draw(from?: number): void {
    this.#screen.draw(this.#text(), this.#footer(), from);
  }

  #text(): string {
    return `${this.#kept()}${this.#main()}${this.#said.map(({ text }) => `${text}\n`).join("")}`;
  }

  #kept(): string {
    return this.#stayed.map((text) => `${text}\n\n`).join("");
  }

  #footer(): string[] {
    const status = this.#later ? `${this.#status}; ${this.#later}` : this.#status;
    return [
      c.dim(cut(status)),
      ...(this.#question ? wrap(this.#question).split("\n") : keyLines(this.#said.length > 0)),
    ];
  }
}

/** What a verdict in brief does not tell. */
function leftOut({ tests, message }: Verdict): string {
  const failed = tests.filter((test) => test.status !== "pass" && test.message !== message);
  const reasons = new Set(failed.map((test) => JSON.stringify([test.message, test.diagnosis])));
  return reasons.size > 1
    ? `${c.dim(wrap("Only the first is explained here. v shows every check.", 2))}\n`
    : "";
}

/** The keys in as few lines as the width allows. */
function keyLines(wayBack: boolean): string[] {
  const lines: string[] = [];
  let length = 0;
  for (const [key, word] of wayBack ? [["Enter", "back"] as const, ...keyHelp] : keyHelp) {
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
  const others = tests.filter((test) => test !== failed).map((test) => testLine(test));
  const first = failed ? [testLine(failed), firstFailure(failed, { file: lesson.exercise }, lesson)] : [];
  return [...first, ...others].map((line) => `${line}\n`).join("");
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

  verdict(verdict: Verdict, lesson: Lesson, end: () => string): void {
    const body = verdictText(verdict, lesson, { body: true, plain: true }).trimEnd();
    const last = end();
    this.say(`\n${body}\n\n${wrap(standing(verdict))}${last ? `\n\n${last}` : ""}`);
  }

  say(text: string): void {
    process.stdout.write(`${text}\n`);
  }

  later(what: string): void {
    this.say(what);
  }

  async lend(act: () => Promise<unknown>): Promise<void> {
    await act();
  }

  ask(question: string): void {
    this.say(question);
  }

  answered(): void {}
  tick(): void {}
  redraw(): void {}
  move(): void {}
  back(): void {}
  whole(): void {}
  close(): void {}
}
