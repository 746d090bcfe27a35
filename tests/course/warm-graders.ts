// Grades files in processes that stay, as the watch does. It is the grading of `check`, with vitest and the kit loaded once.
import type { Lesson } from "../../checker/course/lessons.ts";
import type { Verdict } from "../../checker/grading/verdict.ts";
import { findProgram } from "../../checker/nats/install/find.ts";
import type { FoundProgram } from "../../checker/nats/install/rungs/rung.ts";
import { Grader } from "../../checker/watch/grader.ts";
import type { FromGrader } from "../../checker/watch/messages.ts";

/** As many processes as there are gradings at once. */
export class WarmGraders {
  readonly #all: WarmGrader[] = [];
  readonly #idle: WarmGrader[] = [];

  /** @param server the nats-server to grade with; default: the one that the course finds */
  constructor(private readonly server?: FoundProgram) {}

  /**
   * Grades a file as the exercise of a lesson.
   * @param only the name of the one check to play; default: all are played
   */
  async graded(lesson: Lesson, file: string, only?: string): Promise<Verdict> {
    const grader = this.#idle.pop() ?? (await this.#start());
    try {
      return await grader.graded(lesson, file, only);
    } finally {
      this.#idle.push(grader);
    }
  }

  close(): void {
    for (const grader of this.#all) grader.close();
  }

  async #start(): Promise<WarmGrader> {
    const grader = new WarmGrader(this.server ?? (await findProgram("nats-server")));
    this.#all.push(grader);
    return grader;
  }
}

class WarmGrader {
  readonly #grader: Grader;
  #hear: (message: FromGrader) => void = () => {};

  constructor(server: ConstructorParameters<typeof Grader>[0]) {
    this.#grader = new Grader(server, (message) => this.#hear(message));
  }

  /** Resolves when the grading is cleared up, too: that must not slow the next one down. */
  graded(lesson: Lesson, file: string, only?: string): Promise<Verdict> {
    return new Promise((resolve, reject) => {
      let verdict: Verdict | undefined;
      this.#hear = (message) => {
        if (message.type === "verdict") verdict = message.verdict;
        else if (message.type === "ready" && verdict) resolve(verdict);
        else if (message.type === "trouble")
          reject(new Error(`No verdict on ${file}: ${message.message}\n${message.advice}`));
      };
      this.#grader.grade(lesson, file, only);
    });
  }

  close(): void {
    this.#grader.close();
  }
}
