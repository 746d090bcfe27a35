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
      post: (response) => this.#pass(this.#toVitest, response),
      on: (callback) => this.#toChecks.on("message", callback),
      off: (callback) => this.#toChecks.off("message", callback),
      runTests: (state, traces) => runBaseTests("run", state, traces),
      collectTests: (state, traces) => runBaseTests("collect", state, traces),
      setup: (context) => setupEnvironment(withoutLoaderHooks(context)),
    });
  }

  async stop(): Promise<void> {
    this.#toVitest.removeAllListeners();
  }

  /** Both sides keep and change what they are given, as if it had come from another process: so each gets its own copy. */
  #pass(to: EventEmitter, message: unknown): void {
    const copy = structuredClone(message);
    queueMicrotask(() => to.emit("message", copy));
  }
}

type SetupContext = Parameters<typeof setupEnvironment>[0];

/**
 * With `viteModuleRunner: false` vitest also hooks itself into Node's module loader, to import files anew and to know what imports what.
 * On Node 20 that is a thread of its own, started at each run. check-runner.ts imports anew, and the graph is of no use here.
 */
function withoutLoaderHooks(context: SetupContext): SetupContext {
  const { viteModuleRunner: _, ...experimental } = context.config.experimental;
  return { ...context, config: { ...context.config, experimental } } as SetupContext;
}
