// The watch's side of the grading process: gives it files to grade, and ends it when it hangs or is not needed any more.
import { type ChildProcess, fork } from "node:child_process";
import { builtFile } from "../course/built.ts";
import type { Lesson } from "../course/lessons.ts";
import type { FoundProgram } from "../nats/install/find.ts";
import type { FromGrader, ToGrader } from "./messages.ts";

/** After so many gradings a fresh process takes over, at a moment when nobody waits: vitest keeps a little of each run. */
const gradingsOfOne = 200;

export class Grader {
  #child: ChildProcess | undefined;
  #busy = false;
  #gradings = 0;
  #lesson: Lesson | undefined;

  constructor(
    private readonly server: FoundProgram,
    private readonly onMessage: (message: FromGrader) => void,
  ) {}

  /** Makes everything ready for the next save of this lesson. */
  prepare(lesson: Lesson): void {
    if (this.#busy) this.#end();
    this.#lesson = lesson;
    this.#send({ type: "prepare", lesson: lesson.id, server: this.server });
  }

  /** Grades the lesson's exercise. What is being graded is dropped: its verdict would be on a file that is no more. */
  grade(lesson: Lesson): void {
    if (this.#busy) this.#end();
    this.#lesson = lesson;
    this.#busy = true;
    this.#gradings++;
    this.#send({ type: "grade", lesson: lesson.id, server: this.server });
  }

  get busy(): boolean {
    return this.#busy;
  }

  close(): void {
    this.#busy = false;
    this.#end();
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
    let lastWords = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      lastWords = (lastWords + text).slice(-2_000);
    });
    child.on("message", (message: FromGrader) => {
      if (child !== this.#child) return;
      if (message.type === "verdict" || message.type === "trouble") this.#busy = false;
      if (message.type === "ready" && this.#gradings >= gradingsOfOne && this.#lesson && !this.#busy) {
        this.#end();
        this.prepare(this.#lesson);
      }
      this.onMessage(message);
    });
    child.once("exit", (code, signal) => {
      if (child !== this.#child) return;
      this.#child = undefined;
      if (!this.#busy) return;
      this.#busy = false;
      this.onMessage({
        type: "trouble",
        kind: "checker",
        message: `The process that grades ended by itself (${signal ?? `exit status ${code}`}).`,
        advice: lastWords.trim(),
      });
    });
    this.#gradings = 0;
    return child;
  }

  /** The kill reaches the process whatever it does; its reaper ends the servers and programs that it had. */
  #end(): void {
    const child = this.#child;
    this.#child = undefined;
    this.#busy = false;
    child?.kill("SIGKILL");
  }
}
