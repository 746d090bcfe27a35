// Grades files in processes that stay, as the watch does. It is the grading of `check`, with vitest and the kit loaded once.
import type { Lesson } from "../course/lessons.ts";
import type { Verdict } from "../grading/verdict.ts";
import { type FoundProgram, findProgram } from "../nats/install/find.ts";
import { Grader, type GraderOptions } from "./grader.ts";
import type { FromGrader } from "./messages.ts";

/** As many processes as there are gradings at once. */
export class WarmGraders {
  readonly #all: WarmGrader[] = [];
  readonly #idle: WarmGrader[] = [];

  /** @param server the nats-server to grade with; default: the one that the course finds */
  constructor(
    private readonly server?: FoundProgram,
    private readonly options: GraderOptions = {},
  ) {}

  /**
   * Grades a file as the exercise of a lesson.
   * @param only the name of the one check to play; default: all are played
   * @throws Error when the process that grades has no verdict
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
    const grader = new WarmGrader(this.server ?? (await findProgram("nats-server")), this.options);
    this.#all.push(grader);
    return grader;
  }
}

class WarmGrader {
  readonly #grader: Grader;
  #hear: (message: FromGrader) => void = () => {};

  constructor(server: FoundProgram, options: GraderOptions) {
    this.#grader = new Grader(server, (message) => this.#hear(message), options);
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
