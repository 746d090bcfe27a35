// npm start: the watch that a learner leaves open all day. Grades the current lesson at each save; keys do the rest.
import { utimesSync } from "node:fs";
import { dirname, relative } from "node:path";
import { membership } from "../classroom/membership.ts";
import { builtFile } from "../course/built.ts";
import { EnvironmentTrouble, UsageError } from "../course/errors.ts";
import { allLessons, findLesson, type Lesson } from "../course/lessons.ts";
import { readProgress, rememberCurrent } from "../course/progress.ts";
import { isStarted } from "../course/started.ts";
import { exitStatus } from "../grading/verdict.ts";
import { findProgram } from "../nats/install/find.ts";
import { startReaper } from "../nats/reaper.ts";
import { FileWatch } from "../watch/file-watch.ts";
import { Grader } from "../watch/grader.ts";
import type { FromGrader } from "../watch/messages.ts";
import { currentLesson, nextToDo } from "./current.ts";
import { findEditor } from "./editor.ts";
import { type Keys, listenToKeys } from "./keys.ts";
import { lessonEnd } from "./lesson-end.ts";
import { LessonPages } from "./lesson-page.ts";
import { newsText } from "./news.ts";
import { installProgress } from "./progress.ts";
import { recordVerdict } from "./record.ts";
import { print, printedBy, wrap } from "./text.ts";
import { fullHelp, PlainView, ScreenView, type WatchView } from "./watch-view.ts";

export interface StartFlags {
  /** Lines instead of a screen. */
  readonly plain?: boolean;
  /** Look at the file instead of waiting for file events. */
  readonly poll?: boolean;
  /** `--no-open`: leave the editor alone. */
  readonly open?: boolean;
}

type Event =
  | { readonly kind: "key"; readonly key: string }
  | { readonly kind: "saved"; readonly lesson: Lesson }
  | { readonly kind: "polling"; readonly why: string }
  | { readonly kind: "grader"; readonly message: FromGrader }
  /** The instructor of a classroom said something. */
  | { readonly kind: "news"; readonly text: string }
  /** The learner's hand went up, or was put down by the instructor. */
  | { readonly kind: "hand"; readonly up: boolean }
  | { readonly kind: "second" }
  | { readonly kind: "resized" };

export async function runStart(typed: string | undefined, flags: StartFlags): Promise<number> {
  const lesson = typed === undefined ? currentLesson() : findLesson(typed);
  startReaper();
  const server = await findProgram("nats-server", { onProgress: installProgress() });
  const events = new Queue<Event>();
  const grader = new Grader(server, (message) => events.push({ kind: "grader", message }));
  const keys = listenToKeys((key) => events.push({ kind: "key", key }));
  const pages = new LessonPages();
  const seconds = setInterval(() => grader.busy && events.push({ kind: "second" }), 1_000);
  const inUse = keepBuild();
  const classroom = await follow(events);
  process.stdout.on("resize", () => events.push({ kind: "resized" }));
  const screen = process.stdout.isTTY && process.env.TERM !== "dumb" && !flags.plain;
  const watch = new Watch(screen ? new ScreenView() : new PlainView(), grader, keys, pages, events, flags);
  try {
    await watch.go(lesson, { open: flags.open !== false });
    for (;;) {
      const status = await watch.take(await events.next());
      if (status !== undefined) return status;
    }
  } finally {
    clearInterval(seconds);
    clearInterval(inUse);
    watch.close();
    grader.close();
    pages.close();
    keys.close();
    await classroom?.close();
  }
}

/** Hears the instructor, for who takes part in a classroom; who does not loads none of it. */
async function follow(events: Queue<Event>) {
  if (!membership()) return undefined;
  const { followClassroom } = await import("../classroom/follow.ts");
  return followClassroom(
    (unseen) => events.push({ kind: "news", text: newsText(unseen) }),
    (up) => events.push({ kind: "hand", up }),
  );
}

class Watch {
  #lesson: Lesson = currentLesson();
  #file: FileWatch | undefined;
  /** What the next key answers: y does it, any other does not. */
  #question: (() => Promise<void>) | undefined;
  /** Keys that are about the verdict, and came before it. */
  #afterVerdict: string[] = [];
  #polling = false;
  #handUp = false;

  constructor(
    private readonly view: WatchView,
    private readonly grader: Grader,
    private readonly keys: Keys,
    private readonly pages: LessonPages,
    private readonly events: Queue<Event>,
    private readonly flags: StartFlags,
  ) {}

  close(): void {
    this.#file?.close();
    this.view.close();
    print(`${this.#lesson.id} is where \`npm start\` goes on.`);
  }

  /** Shows a lesson. One that was begun is graded at once. */
  async go(lesson: Lesson, { open }: { open: boolean }): Promise<void> {
    this.#lesson = lesson;
    this.#file?.close();
    this.#file = new FileWatch(lesson.exercise, {
      onSave: () => this.events.push({ kind: "saved", lesson }),
      onPolling: (why) => this.events.push({ kind: "polling", why }),
      poll: this.#polling || this.flags.poll === true,
    });
    this.#remember(() => rememberCurrent(lesson.id));
    if (isStarted(lesson)) this.#grade();
    else {
      this.view.lesson(lesson);
      this.grader.prepare(lesson);
    }
    const editor = open ? findEditor() : undefined;
    if (editor && !editor.inTerminal) await this.#tell(editor.open(lesson.exercise));
  }

  /** @returns the exit status when the watch is over */
  async take(event: Event): Promise<number | undefined> {
    switch (event.kind) {
      case "saved":
        if (event.lesson === this.#lesson) this.#grade();
        return undefined;
      case "grader":
        this.#heard(event.message);
        return undefined;
      case "polling":
        this.#polling = true;
        this.view.say(
          wrap(
            `File events do not arrive here (${event.why}). Your file is looked at three times a second instead.`,
          ),
        );
        return undefined;
      case "news":
        this.view.say(event.text);
        return undefined;
      case "hand":
        this.#handUp = event.up;
        this.view.say(event.up ? "Your hand is up. w takes it down." : "Your hand is down.");
        return undefined;
      case "second":
        this.view.tick();
        return undefined;
      case "resized":
        this.view.redraw();
        return undefined;
      case "key":
        if (event.key === "ctrl-c") return exitStatus.interrupted;
        if (event.key === "q" && !this.#question) return exitStatus.passed;
        await this.#key(event.key);
        return undefined;
    }
  }

  #grade(): void {
    this.#question = undefined;
    this.#afterVerdict = [];
    this.view.grading(this.#lesson);
    this.grader.grade(this.#lesson);
  }

  #heard(message: FromGrader): void {
    if (message.type === "test") this.view.test(message.test);
    if (message.type === "verdict") {
      // It may have been on its way when the learner went on.
      if (message.verdict.lesson.id !== this.#lesson.id) return;
      this.#remember(() => recordVerdict(this.#lesson, message));
      const passed = message.verdict.status === "pass";
      const goOn = (next: Lesson) => `n goes on to ${next.id}; s shows how others do it.`;
      const lesson = this.#lesson;
      this.view.verdict(message.verdict, lesson, () => (passed ? lessonEnd(lesson, goOn) : ""));
      for (const key of this.#afterVerdict.splice(0)) this.events.push({ kind: "key", key });
    }
    if (message.type === "trouble") {
      this.#afterVerdict = [];
      const whose = message.kind === "checker" ? "This is not your program's fault. r tries again.\n" : "";
      this.view.lesson(this.#lesson);
      this.view.say(wrap(`${message.message}\n${whose}${message.advice}`));
    }
  }

  async #key(key: string): Promise<void> {
    // To look around answers no question.
    if (key === "up" || key === "down" || key === "page up" || key === "page down")
      return this.view.move(key);
    const answer = this.#question;
    if (answer) {
      this.#question = undefined;
      this.view.answered();
      if (key === "y" || key === "Y") await answer();
      else this.view.say("Nothing was done.");
      return;
    }
    if ((key === "h" || key === "t") && this.grader.busy) {
      if (!this.#afterVerdict.includes(key)) this.#afterVerdict.push(key);
      return this.view.later("what you asked for comes with the verdict");
    }
    const lesson = this.#lesson;
    const lessons = allLessons();
    const at = lessons.findIndex(({ id }) => id === lesson.id);
    switch (key) {
      case "h":
        return this.#show(async () => (await import("./hint.ts")).runHint(lesson.id));
      case "n":
        return this.#goTo(lessons[at + 1], this.#lastWords());
      case "p":
        return this.#goTo(lessons[at - 1], "This is the first lesson.");
      case "l":
        return this.#choose();
      case "r":
        return this.#grade();
      case "v":
        return this.view.whole();
      case "x":
        return this.#ask(
          `Put ${shown(lesson.exercise)} back to the starter? Your file is backed up first. y/n`,
          () => this.#show(async () => (await import("./reset.ts")).runReset(lesson.id), true),
        );
      case "u":
        return this.#show(async () => (await import("./undo.ts")).runUndo(lesson.id, {}), true);
      case "s":
        return this.#solution();
      case "t":
        return this.#show(async () =>
          (await import("./timeline.ts")).runTimeline(lesson.id, { plain: this.#plain, first: true }),
        );
      case "o":
        return this.#page();
      case "e":
        return this.#edit();
      case "w":
        return this.#wave();
      case "?":
        return this.view.say(`\n${fullHelp()}`);
      case "ctrl-z":
        return this.#suspend();
      case " ":
        return this.view.move("page down");
      case "b":
        return this.view.move("page up");
      case "\r":
      case "escape":
        return this.view.back();
    }
  }

  async #wave(): Promise<void> {
    const { raiseHand } = await import("../classroom/follow.ts");
    const n = raiseHand(!this.#handUp);
    this.view.say(
      n === undefined
        ? wrap("You are in no classroom. `npm run join ADDRESS` takes you into one.")
        : "The instructor is told.",
    );
  }

  async #goTo(lesson: Lesson | undefined, none: string): Promise<void> {
    if (lesson) await this.go(lesson, { open: this.flags.open !== false });
    else this.view.say(wrap(none));
  }

  #lastWords(): string {
    const left = nextToDo(this.#lesson);
    return left
      ? `This is the last lesson. ${left.id} is not passed yet; l goes there.`
      : "This is the last lesson.";
  }

  async #solution(): Promise<void> {
    const { id } = this.#lesson;
    const show = () => this.#show(async () => (await import("./solution.ts")).runSolution(id, { yes: true }));
    if (readProgress().lessons[id]?.passedAt) return show();
    this.#ask(`You have not passed ${id} yet. Show the solution? h gives a hint instead. y/n`, show);
  }

  async #choose(): Promise<void> {
    if (!process.stdin.isTTY || this.#plain)
      return this.#show(async () => (await import("./list.ts")).runList({}));
    this.keys.pause();
    let chosen: Lesson | undefined;
    await this.view.lend(async () => {
      const { chooseLesson } = await import("./choose.ts");
      chosen = await chooseLesson(this.#lesson);
    });
    this.keys.resume();
    if (chosen && chosen.id !== this.#lesson.id) await this.#goTo(chosen, "");
  }

  async #page(): Promise<void> {
    const { id, readme } = this.#lesson;
    this.view.say(`Opening the page of ${id}…`);
    // The site takes a second to build, and saves come in between.
    void this.pages.open(this.#lesson).then(
      ({ url, opened }) =>
        this.view.say(
          wrap(`${opened ? "In your browser" : "The page"}: ${url}\nThe same as a file: ${shown(readme)}`),
        ),
      (error: Error) =>
        this.view.say(wrap(`The page could not be shown: ${error.message}\nRead ${shown(readme)} instead.`)),
    );
  }

  async #edit(): Promise<void> {
    const editor = findEditor();
    const file = this.#lesson.exercise;
    if (!editor) {
      this.view.say(wrap(`No editor is named. Set VISUAL or EDITOR, or open ${shown(file)} yourself.`));
    } else if (editor.inTerminal && process.stdin.isTTY) {
      this.keys.pause();
      await this.view.lend(() => this.#tell(editor.open(file)));
      this.keys.resume();
    } else if (editor.inTerminal) {
      this.view.say(wrap(`${editor.name} needs a terminal of its own. Open ${shown(file)} there.`));
    } else await this.#tell(editor.open(file));
  }

  /** Ctrl-Z, as in any other program. */
  #suspend(): void {
    if (process.platform === "win32" || !process.stdin.isTTY) return;
    this.keys.pause();
    process.once("SIGCONT", () => {
      this.keys.resume();
      this.view.redraw();
    });
    // The whole group: npm and its shell wait for us, and the terminal for them.
    process.kill(0, "SIGTSTP");
  }

  #ask(question: string, act: () => Promise<void>): void {
    this.#question = act;
    this.view.ask(question);
  }

  /**
   * Runs a command; what it has to say against it is said, and the watch goes on.
   * @param stays it changes the file, and is still to be read when that is graded
   */
  async #show(run: () => Promise<unknown>, stays = false): Promise<void> {
    const text = await printedBy(async () => {
      try {
        await run();
      } catch (error) {
        if (!(error instanceof EnvironmentTrouble || error instanceof UsageError)) throw error;
        print(wrap(`${error.message}\n${error.advice}`));
      }
    });
    this.view.say(`\n${text}`, stays);
  }

  async #tell(opening: Promise<string | undefined>): Promise<void> {
    const trouble = await opening;
    if (trouble) this.view.say(wrap(`${trouble}. Open ${shown(this.#lesson.exercise)} yourself.`));
  }

  /** What cannot be written down costs the memory of it, and nothing else. */
  #remember(write: () => void): void {
    try {
      write();
    } catch (error) {
      if (!(error instanceof EnvironmentTrouble)) throw error;
      this.view.say(wrap(`${error.message}\n${error.advice}`));
    }
  }

  get #plain(): boolean {
    return this.view instanceof PlainView;
  }
}

const shown = (path: string) => relative(process.cwd(), path);

/** Another command forgets builds that nobody used for an hour; this one is in use for as long as the watch is open. */
function keepBuild(): NodeJS.Timeout {
  const folder = dirname(builtFile("cli.mjs"));
  const touch = () => {
    try {
      utimesSync(folder, new Date(), new Date());
    } catch {
      // Someone removed it: the next grading says what is missing.
    }
  };
  touch();
  return setInterval(touch, 20 * 60_000);
}

/** Events in their order, for one loop that takes them. */
class Queue<T> {
  readonly #waiting: T[] = [];
  #wake: ((event: T) => void) | undefined;

  push(event: T): void {
    const wake = this.#wake;
    this.#wake = undefined;
    if (wake) wake(event);
    else this.#waiting.push(event);
  }

  async next(): Promise<T> {
    const first = this.#waiting.shift();
    return first ?? new Promise((resolve) => (this.#wake = resolve));
  }
}
