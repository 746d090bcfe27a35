// The stage of one check: its server, the programs it started, the beliefs it can recognise, and its budget of time.
import { ErrorCode, type NatsConnection, type NatsError } from "nats";
import type { WireEvent } from "../wire/events.ts";
import type { Journal } from "../wire/journal.ts";
import { Revived } from "./channel.ts";
import { type CheckServer, isForeign } from "./check-server.ts";
import { clearUp } from "./clear-up.ts";
import { Clock } from "./clock.ts";
import { proof } from "./evidence.ts";
import { CannotCheck, Finding, type FindingParts } from "./finding.ts";
import { hookListeners } from "./hook.ts";
import { misbehaviour } from "./misbehaviour.ts";
import { LearnerProgram, type Limits, type Promises, type Surroundings } from "./program.ts";
import { droppedRun } from "./run.ts";
import { Scales } from "./scales.ts";
import { takeHost } from "./spares.ts";

/** A wrong idea about messaging that a check can recognise by what a program does. */
export interface Belief {
  /** The idea, in the words of someone who holds it. */
  readonly belief: string;
  /** The heading in the lesson's README that puts it right, as an anchor without `#`. */
  readonly readme: string;
  /** A first nudge for whoever holds it: a question or a place to look, never the answer. */
  readonly hint: string;
}

/** How a check tells that a belief is at work. */
export interface Sign {
  /** True as soon as the program shows the belief. Looked at whenever something happens. */
  readonly when: () => boolean | Promise<boolean>;
  /** What was seen, what was expected and why, for the learner. */
  readonly message: string | (() => string);
  /** Lines of what was seen on the wire or in the server. */
  readonly evidence?: () => readonly string[] | Promise<readonly string[]>;
  /** The events on the wire that prove it: shown after `evidence`, in the order of happening, the first and the last of many. */
  readonly wire?: () => readonly WireEvent[];
}

export interface StartOptions extends Promises {
  /** In messages and timelines; the function's name when absent. */
  readonly name?: string;
  /** The process ends in the very moment in which the function is done. */
  readonly powerOff?: boolean;
}

export class Stage {
  readonly programs: LearnerProgram[] = [];
  readonly clock: Clock;
  readonly #signs: { id: string; belief: Belief; sign: Sign }[] = [];
  readonly #stir = () => this.clock.stir();
  readonly #starving = () => this.programs.some((program) => program.starving);
  /** Nobody waits for the verdict any more. */
  readonly #drop = () => {
    for (const program of this.programs) program.dispose();
    this.clock.stir();
  };
  readonly #scales = new Scales();
  #rounds: NodeJS.Timeout;

  /** @param servers of the check; those of a cluster have one sight */
  constructor(
    readonly servers: readonly [CheckServer, ...CheckServer[]],
    private readonly exercise: string,
    private readonly limits: Limits,
    private readonly beliefs: Readonly<Record<string, Belief>>,
    readonly budgetMs: number,
    private readonly dropped?: AbortSignal,
  ) {
    dropped?.addEventListener("abort", this.#drop);
    this.clock = new Clock(budgetMs, this.#starving);
    hookListeners.add(this.#stir);
    this.#rounds = setInterval(() => {
      this.#weigh();
      for (const program of this.programs) program.feelPulse();
    }, 50);
    this.#rounds.unref();
  }

  /** The server; of a cluster the first one. */
  get server(): CheckServer {
    return this.servers[0];
  }

  /**
   * From here on the check recognises this belief: while it waits, and when an expectation fails. Give the most basic one first;
   * the first that shows is the diagnosis.
   */
  believes(id: string, sign: Sign): void {
    const belief = this.beliefs[id];
    if (!belief) throw new Error(`The check does not name the belief ${id}.`);
    this.#signs.push({ id, belief, sign });
  }

  /**
   * Waits for a condition, as long as the check's budget allows. Fails at once when a belief shows or a program goes wrong.
   * @param what names it for the learner, after "The check waited for"
   * @returns the condition's first value that is not false, null or undefined
   */
  async until<T>(what: string, condition: () => T | Promise<T>): Promise<NonNullable<T>> {
    this.clock.rest();
    for (;;) {
      const value = await condition();
      if (value !== undefined && value !== null && (value as unknown) !== false) return value;
      await this.judge();
      if (this.clock.expired) throw new Finding(await this.#late(what));
      await this.clock.tick();
    }
  }

  /**
   * A condition that tells whether another one has held for so long without a break: for what does not happen.
   * @param ms milliseconds on an idle machine; scaled on a slow one
   */
  lasting(ms: number, condition: () => boolean): () => boolean {
    let since: Clock | undefined;
    return () => {
      if (!condition()) {
        since = undefined;
        return false;
      }
      since ??= new Clock(ms, this.#starving);
      since.pass();
      return since.expired;
    };
  }

  /** Why the check failed, when no belief shows and no program went wrong by itself. */
  async reason(): Promise<FindingParts | undefined> {
    for (const program of this.programs) {
      const reason = await program.reason();
      if (reason) return reason;
    }
    return undefined;
  }

  /** Throws when a belief shows, or a program went wrong in a way that no belief explains. */
  async judge(): Promise<void> {
    if (this.dropped?.aborted) throw new Finding(droppedRun);
    await this.recognise();
    for (const program of this.programs) program.throwTrouble();
    const destroyed = destroyedStream(this.server.journal);
    if (destroyed) throw new Finding(misbehaviour.destroyedStream(destroyed.how, destroyed.stream));
  }

  /** Throws the Finding of the first belief that shows. */
  async recognise(): Promise<void> {
    for (const { id, belief, sign } of this.#signs) {
      if (!(await this.#seen(sign.when, false))) continue;
      const evidence = await this.#seen(async () => (await sign.evidence?.()) ?? [], []);
      const wire = await this.#seen(() => sign.wire?.() ?? [], []);
      throw new Finding({
        message: typeof sign.message === "string" ? sign.message : sign.message(),
        diagnosis: id,
        belief: belief.belief,
        hint: belief.hint,
        readme: belief.readme,
        evidence: [...evidence, ...proof(wire)],
      });
    }
  }

  /** What a sign says; `blind` when it would have to see what a run without the recorder does not have. */
  async #seen<T>(look: () => T | Promise<T>, blind: T): Promise<T> {
    this.server.sight.judging = true;
    try {
      return await look();
    } catch (error) {
      if (error instanceof CannotCheck) return blind;
      throw error;
    } finally {
      this.server.sight.judging = false;
    }
  }

  /**
   * Asks the program something on a connection of the check's own, and waits for the answer as `until` does.
   * @throws Finding when no answer comes
   */
  async request(nc: NatsConnection, subject: string, payload: string): Promise<string> {
    let outcome: { answer: string } | { error: NatsError } | undefined;
    nc.request(subject, payload, { timeout: 600_000 }).then(
      (message) => {
        outcome = { answer: message.string() };
        this.#stir();
      },
      (error: NatsError) => {
        outcome = { error };
        this.#stir();
      },
    );
    const asked = `the request "${payload}" on ${subject}`;
    const ended = await this.until(`an answer to ${asked}`, () => outcome);
    if ("answer" in ended) return ended.answer;
    if (ended.error.code !== ErrorCode.NoResponders) throw ended.error;
    throw new Finding({ message: `Nobody was there for ${asked}: the server answered 503, no responders.` });
  }

  /** Starts a process, loads the exercise there and calls one of its functions. */
  async start(
    target: string,
    args: unknown[],
    { name = target, powerOff = false, ...promises }: StartOptions = {},
  ): Promise<LearnerProgram> {
    const client = clientIn(args);
    const surroundings: Surroundings = {
      until: (what, condition) => this.until(what, condition),
      stir: this.#stir,
      foreign: (port) => isForeign(port, this.server),
      pullWaitsMs: () => (client === undefined ? 0 : pullWaitsMs(this.server.journal, client)),
      note: (what, who, detail) => {
        const about = { ...(client !== undefined && { client }), ...(detail !== undefined && { detail }) };
        this.server.journal.note({ kind: "program", what, name: who, ...about });
      },
    };
    const host = takeHost(this.limits.memoryMb);
    const program = new LearnerProgram(name, host, this.limits, surroundings, promises);
    this.programs.push(program);
    await program.load(this.exercise, target);
    program.call(target, args, powerOff);
    return program;
  }

  /** Every program that is left must end by itself, as it should. */
  async finish(): Promise<void> {
    for (const program of this.programs) await program.finish();
    await this.judge();
  }

  /** What the programs printed. */
  get output(): string {
    return this.programs
      .filter((program) => program.output)
      .map((program) => program.output)
      .join("");
  }

  async close(): Promise<void> {
    clearInterval(this.#rounds);
    this.dropped?.removeEventListener("abort", this.#drop);
    hookListeners.delete(this.#stir);
    for (const program of this.programs) program.dispose();
    for (const server of this.servers) server.retire();
    await clearUp(async () => {
      for (const program of this.programs) program.endLeftovers();
      await Promise.all(this.servers.map((server) => server.close()));
    });
  }

  #weigh(): void {
    const alive = new Map<number, LearnerProgram>();
    for (const program of this.programs)
      if (program.pid !== undefined && !program.exit) alive.set(program.pid, program);
    this.#scales.weigh([...alive.keys()], (pid, usedMb) => alive.get(pid)?.weighed(usedMb));
  }

  /** The budget is spent: why? */
  async #late(what: string): Promise<FindingParts> {
    const seconds = Math.max(1, Math.round(this.budgetMs / 1_000));
    for (const program of this.programs) {
      const stuck = await program.stuck();
      if (stuck) return stuck;
      if (program.trouble) return program.trouble;
      const reason = await program.reason();
      if (reason) return reason;
      if (!program.loaded) return misbehaviour.loadingNeverEnds(seconds);
      if (!program.settled && what.includes(`\`${program.name}\` to be done`)) {
        return program.neverStops() ?? misbehaviour.neverEnds(`\`${program.name}\``, seconds);
      }
    }
    return { message: `The check waited for ${what}. It did not happen within ${seconds} seconds.` };
  }
}

/** The name of the connection that a program is given: made for it, or the options of one. */
function clientIn(args: readonly unknown[]): string | undefined {
  for (const arg of args) {
    const options = arg instanceof Revived ? arg.data : arg;
    const { servers, name } = (options ?? {}) as { servers?: unknown; name?: unknown };
    if (servers !== undefined && typeof name === "string") return name;
  }
  return undefined;
}

/** How long the last pulls of a client may still wait in the server: those that had no message and no status in answer. */
function pullWaitsMs(wire: Journal, client: string): number {
  const waiting = wire
    .pulls({ client })
    .slice(-10)
    .filter(
      ({ index, batch }) =>
        wire.statuses(({ request }) => request === index).length === 0 &&
        !(batch === 1 && wire.deliveries({ client }).some((delivery) => delivery.index > index)),
    );
  return Math.max(0, ...waiting.map(({ at, expiresMs = 0 }) => at + expiresMs - wire.now()));
}

/** The first stream that a program deleted or purged, though no program had made it. */
function destroyedStream(wire: Journal): { how: "delete" | "purge"; stream: string } | undefined {
  if (wire.total("apiReply") === 0) return undefined;
  const own = new Set<string>();
  // By the server's answers: a stream that was not there cannot be deleted.
  for (const { call, about, ok } of wire.of("apiReply")) {
    const [stream = ""] = about;
    if (!ok) continue;
    if (call === "STREAM.CREATE") own.add(stream);
    if (own.has(stream)) continue;
    if (call === "STREAM.DELETE") return { how: "delete", stream };
    if (call === "STREAM.PURGE") return { how: "purge", stream };
  }
  return undefined;
}
