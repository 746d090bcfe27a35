// The watch's side of the grading process: gives it files to grade, drops what is not wanted any more, and ends the process when it hangs.
import { type ChildProcess, fork } from "node:child_process";
import { setPriority } from "node:os";
import { builtFile } from "../course/built.ts";
import type { Lesson } from "../course/lessons.ts";
import type { FoundProgram } from "../nats/install/find.ts";
import type { FromGrader, ToGrader } from "./messages.ts";

/** After so many gradings a fresh process takes over, at a moment when nobody waits: vitest keeps a little of each run. */
const gradingsOfOne = 200;
/** A grading that is dropped ends in some milliseconds; one that does not is ended with its process. */
const droppedWithinMs = 500;
/** Every check has an end, on a slow machine a late one; a grading that says nothing for so long has none. */
const silentForMs = 5 * 60_000;

export interface GraderOptions {
  /** Of the process that grades, and of all that it starts. Default 0. */
  readonly niceness?: number;
}

export class Grader {
  #child: ChildProcess | undefined;
  /** The number of the last grading. */
  #id = 0;
  #busy = false;
  #gradings = 0;
  #lesson: Lesson | undefined;
  #file: string | undefined;
  #only: string | undefined;
  #late: NodeJS.Timeout | undefined;
  /** The last grading that was dropped. */
  #dropped = 0;
  #silent: NodeJS.Timeout | undefined;

  constructor(
    private readonly server: FoundProgram,
    private readonly onMessage: (message: FromGrader) => void,
    private readonly options: GraderOptions = {},
  ) {}

  /** Makes everything ready for the next save of this lesson. */
  prepare(lesson: Lesson): void {
    if (this.#busy) this.#drop();
    this.#busy = false;
    // What was graded has nothing more to say: it is of another lesson.
    this.#id++;
    this.#lesson = lesson;
    this.#send({ type: "prepare", lesson: lesson.id, server: this.server });
  }

  /**
   * Grades the lesson's exercise, or another file as such; by all checks, or only by the one of this name. What is being graded is
   * dropped: its verdict would be on a file that is no more.
   */
  grade(lesson: Lesson, file?: string, only?: string): void {
    if (this.#busy) this.#drop();
    this.#lesson = lesson;
    this.#file = file;
    this.#only = only;
    this.#busy = true;
    this.#gradings++;
    this.#send({
      type: "grade",
      id: ++this.#id,
      lesson: lesson.id,
      server: this.server,
      ...(file && { file }),
      ...(only !== undefined && { only }),
    });
    this.#expectASign();
  }

  get busy(): boolean {
    return this.#busy;
  }

  close(): void {
    this.#end();
  }

  #expectASign(): void {
    clearTimeout(this.#silent);
    if (!this.#busy) return;
    this.#silent = setTimeout(() => {
      const lesson = this.#lesson;
      this.#end();
      this.onMessage({
        type: "trouble",
        kind: "checker",
        message: `The grading said nothing for ${silentForMs / 60_000} minutes, and was ended.`,
        advice: "If it stays so, report it.",
      });
      if (lesson) this.prepare(lesson);
    }, silentForMs);
  }

  #drop(): void {
    this.#dropped = this.#id;
    this.#send({ type: "drop", id: this.#id });
    this.#late ??= setTimeout(() => {
      const { lesson, busy } = { lesson: this.#lesson, busy: this.#busy };
      this.#end();
      if (!lesson) return;
      if (busy) this.grade(lesson, this.#file, this.#only);
      else this.prepare(lesson);
    }, droppedWithinMs);
  }

  #send(message: ToGrader): void {
    this.#child ??= this.#start();
    this.#child.send(message, () => {});
  }

  #start(): ChildProcess {
    const child = fork(builtFile("grader.mjs"), [], {
      // Maps and errors travel as they are.
      serialization: "advanced",
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      // Ctrl-C in the terminal is for the watch alone.
      detached: process.platform !== "win32",
      execArgv: [],
    });
    this.#gradings = 0;
    const { niceness } = this.options;
    if (niceness !== undefined && child.pid !== undefined) setPriority(child.pid, niceness);
    let lastWords = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      lastWords = (lastWords + text).slice(-2_000);
    });
    child.on("message", (message: FromGrader) => {
      if (child === this.#child) this.#heard(message);
    });
    child.once("exit", (code, signal) => {
      if (child !== this.#child) return;
      const { busy } = this;
      this.#forget();
      if (!busy) return;
      this.onMessage({
        type: "trouble",
        kind: "checker",
        message: `The process that grades ended by itself (${signal ?? `exit status ${code}`}).`,
        advice: lastWords.trim(),
      });
    });
    return child;
  }

  #heard(message: FromGrader): void {
    if (message.type === "ready") {
      if (this.#gradings >= gradingsOfOne && this.#lesson && !this.#busy) {
        this.#end();
        this.prepare(this.#lesson);
      }
    } else if (message.id !== undefined && message.type !== "test") {
      // The end of a grading: the last one's, or one's that was dropped.
      if (message.id >= this.#dropped) {
        clearTimeout(this.#late);
        this.#late = undefined;
      }
      if (message.id === this.#id) this.#busy = false;
    }
    this.#expectASign();
    // What a dropped grading still has to say is about a file that is no more.
    if (message.type === "dropped" || ("id" in message && message.id !== this.#id)) return;
    this.onMessage(message);
  }

  #forget(): void {
    clearTimeout(this.#late);
    clearTimeout(this.#silent);
    this.#late = undefined;
    this.#child = undefined;
    this.#busy = false;
  }

  /** The kill reaches the process whatever it does; its reaper ends the servers and programs that it had. */
  #end(): void {
    const child = this.#child;
    this.#forget();
    child?.kill("SIGKILL");
  }
}
