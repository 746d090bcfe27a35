// A vitest pool that runs checks in this very process. Checks are trusted (the learner's program is in a process of its own), so they
// need no worker: starting one costs more than all the checks of a lesson, and servers started in advance could not be handed to it.
import { EventEmitter } from "node:events";
import type { PoolRunnerInitializer, PoolWorker, WorkerRequest } from "vitest/node";
import { init, runBaseTests, setupEnvironment } from "vitest/worker";

const poolName = "in-process";

/** Pool for vitest's `pool` option (vitest docs: guide/advanced/pool). */
export function inProcessPool(): PoolRunnerInitializer {
  return { name: poolName, createPoolWorker: () => new InProcessWorker() };
}

class InProcessWorker implements PoolWorker {
  readonly name = poolName;
  readonly #toVitest = new EventEmitter();
  readonly #toChecks = new EventEmitter();
  #stopped = false;

  on(event: string, callback: (arg: unknown) => void): void {
    this.#toVitest.on(event, callback);
  }

  off(event: string, callback: (arg: unknown) => void): void {
    this.#toVitest.off(event, callback);
  }

  send(message: WorkerRequest): void {
    this.#pass(this.#toChecks, message);
  }

  deserialize(data: unknown): unknown {
    return data;
  }

  async start(): Promise<void> {
    init({
      post: (response) => this.#post(response),
      on: (callback) => this.#toChecks.on("message", callback),
      off: (callback) => this.#toChecks.off("message", callback),
      runTests: (state, traces) => runBaseTests("run", state, traces),
      collectTests: (state, traces) => runBaseTests("collect", state, traces),
      setup: setupEnvironment,
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#toVitest.removeAllListeners();
  }

  /**
   * What imports something after the run asks vitest about it, and nobody is there to answer. vitest waits for all its
   * answers at the end of the next run in this process (rpcDone), so one that never comes would hang that.
   */
  #post(message: unknown): void {
    const { t, i } = message as { t?: string; i?: string };
    if (this.#stopped && t === "q") this.#pass(this.#toChecks, { t: "s", i });
    else this.#pass(this.#toVitest, message);
  }

  /** Both sides keep and change what they are given, as if it had come from another process: so each gets its own copy. */
  #pass(to: EventEmitter, message: unknown): void {
    const copy = structuredClone(message);
    queueMicrotask(() => to.emit("message", copy));
  }
}
