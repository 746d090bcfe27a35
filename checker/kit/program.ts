// A learner's program as a check sees it: a process that loads the exercise and calls one of its functions.
import { EnvironmentTrouble } from "../course/errors.ts";
import { processorTimeMs, wantsToRun } from "../nats/end-process.ts";
import type { ProgramEvent } from "../wire/events.ts";
import { Channel, type Failure, type Wrote } from "./channel.ts";
import { Clock, pace } from "./clock.ts";
import { Finding, type FindingParts } from "./finding.ts";
import type { Exit, HostProcess } from "./host-process.ts";
import { type HowClosed, misbehaviour } from "./misbehaviour.ts";
import { whereItLoops } from "./where-it-loops.ts";

export interface Limits {
  readonly memoryMb: number;
  readonly outputKb: number;
}

/** How much of what a program prints is kept for the verdict. */
const keptOutput = 8_000;

/** How often a program is asked for a sign of life while a check waits for it, in milliseconds. */
const pulseMs = 50;
/**
 * Processor time that a program may use up without a sign of life, in milliseconds on an idle machine. A right program needs a
 * few, and one that does not get to run uses none, however long it takes: so no machine is too slow for this.
 */
const longestTurnMs = 2_000;
/** Looks at which it must be over that time: after the first one, an answer that lay in the pipe has been read. */
const looksInDoubt = 3;
/** A pull cannot be called back: a program that no longer waits for one may live on for so long, until the pull has run out. */
const longestPullMs = 2_000;
/**
 * A program that was told to stop, has done nothing for so long, and waits for messages for so long to come, has not heard it. Longer than
 * a check needs that has a belief about it.
 */
const deafMs = 4_500;
const deafPullMs = 15_000;
/** How long the inspector may take to say where a program loops; without it the sentence has to do. */
const inspectorMs = 10_000;

/** What the stage offers to a program. */
export interface Surroundings {
  /** Waits for a condition within the check's budget; throws a Finding when a belief shows or the budget is spent. */
  until<T>(what: string, condition: () => T | Promise<T>): Promise<NonNullable<T>>;
  stir(): void;
  /** How long a pull of the program may still wait in the server, in milliseconds; 0 when none does. */
  pullWaitsMs(): number;
  /** The port of another check's server, if it is one. */
  foreign(port: number): boolean;
  note(what: ProgramEvent["what"], program: string, detail?: string): void;
}

/** What its functions promise, where a verdict depends on it. */
export interface Promises {
  /** Its functions give back a function. */
  readonly givesFunction?: boolean;
  /** The connection is the program's own: to close it is its business. */
  readonly ownsConnection?: boolean;
}

export class LearnerProgram<Result = unknown> {
  /** The first thing that went wrong with this program, apart from what the lesson is about. */
  trouble: FindingParts | undefined;
  /** What it printed, both streams, up to a bound. */
  output = "";
  /** True once its function has returned or thrown. */
  settled = false;
  /** The value its function returned. */
  value: Result | undefined;
  /** What its function threw. */
  error: Failure | undefined;
  readonly #channel: Channel;
  #printed = 0;
  #state: "loading" | "running" | "released" | "power-off" | "killed" = "loading";
  #uncaught: { error: Failure; origin: string } | undefined;
  #neverStarted: EnvironmentTrouble | undefined;
  /** It had nothing more to do, before it ended. */
  #idle = false;
  #replaced: readonly string[] = [];
  #closedHanded: HowClosed | undefined;
  #pulse: { from: number; usedMs: number; answered: boolean; doubts: number; printed: number } | undefined;
  #frozen = false;
  #examined: Promise<void> | undefined;
  /** When it was told to stop, by `performance.now()`. */
  #toldAt: number | undefined;
  /** Since when it was told to stop, and does nothing that the check could see. */
  #deaf: Clock | undefined;
  #asked = "while it was loaded";

  constructor(
    readonly name: string,
    private readonly host: HostProcess,
    private readonly limits: Limits,
    private readonly stage: Surroundings,
    private readonly promises: Promises = {},
  ) {
    this.#channel = new Channel((line) => host.write(line), {
      call: (target) => {
        throw new Error(`The check has no function named ${target}.`);
      },
      event: (event, data) => this.#onEvent(event, data),
      error: (error) => {
        const { name, message } = error as Error;
        return { name: name ?? "Error", message: message ?? String(error) };
      },
    });
    host.listen((line) => this.#channel.receive(line));
    host.onForged = () => this.#blame(misbehaviour.forged());
    host.onOutput = (text) => this.#onOutput(text);
    host.onExit = () => this.#onExit();
    if (host.exit || host.lostParent) this.#onExit();
  }

  get exit(): Exit | undefined {
    return this.host.exit;
  }

  get loaded(): boolean {
    return this.#state !== "loading";
  }

  /** Ended or frozen by the check, not by itself. */
  get killed(): boolean {
    return this.#state === "killed";
  }

  /** The id of the process. */
  get pid(): number | undefined {
    return this.host.pid;
  }

  /** Loads the exercise and looks whether it has the function. */
  async load(file: string, wanted: string): Promise<void> {
    let exported: Record<string, string> | undefined;
    let failure: Failure | undefined;
    this.#channel.call("host:load", [file]).then(
      (value) => {
        exported = value as Record<string, string>;
        this.stage.stir();
      },
      (error: Failure) => {
        failure = error;
        this.stage.stir();
      },
    );
    await this.stage.until("your file to be loaded", () => exported ?? failure);
    if (failure) this.#fail(misbehaviour.uncaught(failure, false, "", true));
    const kinds = exported ?? {};
    if (!(wanted in kinds)) this.#fail(misbehaviour.missingExport(wanted, Object.keys(kinds)));
    if (kinds[wanted] !== "function") this.#fail(misbehaviour.wrongExport(wanted, kinds[wanted] ?? "value"));
    this.#state = "running";
  }

  /**
   * Calls the function; does not wait for its end.
   * @param powerOff the process ends in the very moment in which the function is done, as a machine that is switched off
   */
  call(target: string, args: unknown[], powerOff: boolean): void {
    this.#target = target;
    this.#asked = `while \`${target}\` was running`;
    const done = (apply: () => void) => {
      if (this.settled) return;
      apply();
      this.settled = true;
      this.#asked = `after \`${target}\` had returned`;
      this.stage.stir();
    };
    this.#powerOff = powerOff;
    this.#onSettled = (outcome) =>
      done(() => {
        this.#state = "power-off";
        if (outcome.ok) this.value = outcome.value as Result;
        else this.error = outcome.error;
      });
    this.#channel.call(powerOff ? `${target}!` : target, args).then(
      (value) =>
        done(() => {
          this.value = value as Result;
        }),
      (error: Failure) => {
        if (this.host.exit) return;
        done(() => {
          this.error = error;
        });
      },
    );
    this.stage.note("started", this.name);
    for (const arg of args)
      if (arg instanceof AbortSignal)
        arg.addEventListener(
          "abort",
          () => {
            // One that has gone does not hear it.
            if (this.host.exit) return;
            this.stage.note("told to stop", this.name);
            this.#toldAt ??= performance.now();
          },
          { once: true },
        );
  }

  /**
   * The value that the function returns; waits for it.
   * @throws Finding when it throws, never returns, or the program goes first
   */
  async result(): Promise<Result> {
    await this.stage.until(`\`${this.name}\` to be done`, () => this.settled);
    if (this.error) this.#fail(misbehaviour.threw(`\`${this.name}\``, this.error));
    return this.#given(this.#target, this.value) as Result;
  }

  /**
   * Calls one more function in the same process and waits for what it returns.
   * @throws Finding when it throws or never returns
   */
  async again<Value>(target: string, args: unknown[]): Promise<Value> {
    const outcome = await this.attempt<Value>(target, args);
    if ("error" in outcome) this.#fail(misbehaviour.threw(`\`${target}\``, outcome.error));
    return this.#given(target, outcome.value) as Value;
  }

  /**
   * Calls one more function in the same process, where an error may be the right answer.
   * @throws Finding when it never ends
   */
  async attempt<Value>(target: string, args: unknown[]): Promise<{ value: Value } | { error: Failure }> {
    let outcome: { value: Value } | { error: Failure } | undefined;
    this.#asked = `while \`${target}\` was running`;
    this.#channel.call(target, args).then(
      (value) => {
        outcome = { value: value as Value };
        this.#asked = `after \`${target}\` had returned`;
        this.stage.stir();
      },
      (error: Failure) => {
        outcome = { error };
        this.#asked = `after \`${target}\` had failed`;
        this.stage.stir();
      },
    );
    return this.stage.until(`\`${target}\` to be done`, () => outcome);
  }

  /**
   * Resolves when the program has worked off what it had to do up to now, and answers; or when it has ended.
   * @param times how often it is asked, one time after the other: what reaches it on another way than the question may come behind it
   */
  async answers(times = 1): Promise<void> {
    for (let asked = 0; asked < times; asked++) await this.#ask("host:ping", []);
  }

  /** What its host answers, when the program has given control back; undefined when it has ended. */
  async #ask(target: string, args: unknown[]): Promise<unknown> {
    let answer: { value: unknown } | undefined;
    this.#channel.call(target, args).then(
      (value) => {
        answer = { value };
        this.stage.stir();
      },
      () => {},
    );
    await this.stage.until(
      `\`${this.name}\` to give control back`,
      () => answer !== undefined || this.host.exit,
    );
    return answer?.value;
  }

  /**
   * How much the program writes soon after the next piece that it reads. A busy machine makes all that a program does late, and for a
   * check this looks like a rest; but timers of one process end in their order, however late. So bytes in `atLeast` were written before
   * a timer of so many milliseconds was over that began before the program saw the piece: whoever rested for so long wrote none of them.
   * What is not in `atMost` was not written when a timer was over that began after the program had worked the piece off.
   * @param leastBytes smaller pieces do not count
   * @param withinMs milliseconds that are soon
   * @returns what to ask afterwards; it says undefined when no such piece was read
   */
  async reaction(leastBytes: number, withinMs: number): Promise<() => Promise<Wrote | undefined>> {
    await this.#ask("host:watchNext", [leastBytes, withinMs]);
    return async () => (await this.#ask("host:wrote", [])) as Wrote | undefined;
  }

  /** What keeps its process open, in Node's words, such as `Timeout` or `TCPSocketWrap`; undefined when it does not answer. */
  async openResources(): Promise<readonly string[] | undefined> {
    // Pipes are those of the host itself: output, commands and reports.
    return (await this.#look())?.resources.filter((name) => name !== "PipeWrap");
  }

  /** Ends the process in mid-work, as a crash does; resolves when it is gone. Its end is not held against it. */
  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    if (!this.host.exit) {
      this.#state = "killed";
      this.host.signal("SIGCONT");
      this.host.signal(signal);
      if (signal === "SIGKILL") this.host.end();
      this.stage.note("killed", this.name, signal);
    }
    await this.host.exited;
  }

  /** Freezes the process (SIGSTOP): its connections stay open. */
  pause(): void {
    this.#frozen = true;
    this.host.signal("SIGSTOP");
    this.stage.note("frozen", this.name);
  }

  resume(): void {
    this.#frozen = false;
    this.host.signal("SIGCONT");
    this.stage.note("resumed", this.name);
  }

  /** Resolves when the process has ended by itself, for a program that was started with `powerOff`. */
  async ended(): Promise<void> {
    await this.stage.until(`the process of \`${this.name}\` to end`, () => this.host.exit);
  }

  /**
   * The check needs nothing more: the program is let go and must end by itself, with exit status 0, leaving nothing behind.
   * @throws Finding when something is left open, or the exit status is not 0
   */
  async finish(): Promise<void> {
    if (this.#state === "killed" || this.#powerOff) return;
    if (!this.host.exit) {
      this.host.lookForChildren();
      const pullMs = this.stage.pullWaitsMs();
      let released: { replaced: string[] } | undefined;
      this.#channel.call("host:release", []).then(
        (value) => {
          released = value as typeof released;
          // At once: what is looked at before the wait ends takes an end that follows for the right one.
          this.#state = "released";
          this.stage.stir();
        },
        () => {},
      );
      await this.stage.until(`\`${this.name}\` to let go of what it holds`, () => released ?? this.host.exit);
      this.#asked = "at its end";
      if (released?.replaced.length) this.#fail(misbehaviour.replacedGlobals(released.replaced));
      // Long enough for what closes by itself (a socket's last goodbye); a program that is done ends in a few milliseconds.
      // The client's own timer for a pull ends a little after it.
      const closing = new Clock(1_000 + (pullMs <= longestPullMs ? pullMs * 1.2 : 0));
      await this.stage.until(`the process of \`${this.name}\` to end`, () => {
        closing.pass();
        return this.host.exit ?? closing.expired;
      });
      if (!this.host.exit) {
        const open = (await this.openResources()) ?? [];
        // It may have ended while it was asked.
        if (!this.host.exit) this.#fail(misbehaviour.stillOpen(open, pullMs));
      }
    }
    this.throwTrouble();
    if (this.host.exit && this.host.exit.code !== 0)
      this.#fail(misbehaviour.badExit(this.host.exit.code ?? -1));
    const left = this.host.leftovers();
    if (left.length > 0) this.#fail(misbehaviour.childLeft());
  }

  /** Throws the Finding about what went wrong with this program, if anything did. */
  throwTrouble(): void {
    this.#mustStop();
    if (this.#neverStarted) throw this.#neverStarted;
    if (this.trouble) throw new Finding(this.trouble);
  }

  /** Why it goes on, though it was told to stop; undefined when it was not, or has stopped. */
  neverStops(): FindingParts | undefined {
    if (this.#toldAt === undefined || this.settled || this.host.exit || this.#state !== "running")
      return undefined;
    const seconds = Math.max(1, Math.round((performance.now() - this.#toldAt) / 1_000));
    return misbehaviour.neverStops(`\`${this.#target}\``, seconds, this.stage.pullWaitsMs());
  }

  /** Blames a program that has heard nothing of the stop: it asks the check for nothing, and waits for messages for long to come. */
  #mustStop(): void {
    const working = this.#toldAt === undefined || this.settled || this.#channel.serving > 0;
    if (working) this.#deaf = undefined;
    else this.#deaf ??= new Clock(deafMs, () => this.starving);
    this.#deaf?.pass();
    if (!this.#deaf?.expired || this.stage.pullWaitsMs() < deafPullMs) return;
    const parts = this.neverStops();
    if (parts) this.#blame(parts);
  }

  /** Why the program does not get on, for a check whose budget is spent; undefined when it is well and idle. */
  async stuck(): Promise<FindingParts | undefined> {
    if (this.host.exit || this.#state === "killed") return undefined;
    if (await this.#look()) return undefined;
    if (this.trouble) return this.trouble;
    const usedMs = this.#usedMs();
    await new Promise((resolve) => setTimeout(resolve, 200));
    // Where it cannot be measured, what does not answer is taken to be looping.
    const spins = usedMs === undefined || (this.#usedMs() ?? 0) > usedMs;
    if (!spins) return misbehaviour.standsStill(this.#asked);
    await this.#examine();
    return this.trouble;
  }

  /**
   * What lies behind a failure that nothing else explains: something that the program did, and that is wrong only because the
   * check failed. A global may be replaced without harm, and a connection closed when it is no longer needed.
   */
  async reason(): Promise<FindingParts | undefined> {
    if (!this.host.exit && this.#state !== "killed") await this.#look();
    if (this.#replaced.length > 0) return misbehaviour.replacedGlobals(this.#replaced);
    return this.#closedConnection();
  }

  /** @throws Finding when it has closed the connection that it was handed */
  leavesConnectionOpen(): void {
    const closed = this.#closedConnection();
    if (closed) throw new Finding(closed);
  }

  /** It would go on if it got to run: nothing that it does not do now is its own fault. */
  get starving(): boolean {
    if (this.#pulse?.answered !== false || this.#frozen || this.host.exit || this.trouble) return false;
    if (this.#state === "killed" || this.host.pid === undefined) return false;
    return wantsToRun(this.host.pid);
  }

  /** Looks for a sign of life; a program that uses up processor time without giving one is in a loop. */
  feelPulse(): void {
    if (this.host.exit || this.#state === "killed" || this.#state === "released" || this.trouble) return;
    this.host.lookForChildren();
    const now = performance.now();
    const last = this.#pulse;
    if (last && !last.answered) {
      if ((this.#usedMs() ?? 0) - last.usedMs <= longestTurnMs * pace()) return;
      // What prints without end is ended for that, as soon as it has been read.
      if (last.printed !== this.#printed) last.doubts = 0;
      last.printed = this.#printed;
      if (++last.doubts >= looksInDoubt) void this.#examine();
      return;
    }
    if (last && now - last.from < pulseMs) return;
    const pulse = {
      from: now,
      usedMs: this.#usedMs() ?? 0,
      answered: false,
      doubts: 0,
      printed: this.#printed,
    };
    this.#pulse = pulse;
    this.#channel.call("host:ping", []).then(
      () => {
        pulse.answered = true;
      },
      () => {},
    );
  }

  /** Ends the process for good, whatever its state. */
  dispose(): void {
    if (this.#state !== "released") this.#state = "killed";
    this.host.end();
    this.#channel.close(new Error("The check is over."));
  }

  /** Ends what it started and left running; after `dispose`. */
  endLeftovers(): void {
    this.host.endLeftovers();
  }

  /** Ends the process when it has more memory than the check allows, in MB. */
  weighed(usedMb: number): void {
    if (this.host.exit || usedMb <= this.limits.memoryMb) return;
    this.#blame(misbehaviour.tooMuchMemory(usedMb, this.limits.memoryMb));
    this.host.end();
  }

  #closedConnection(): FindingParts | undefined {
    if (this.promises.ownsConnection) return undefined;
    return this.#closedHanded && misbehaviour.closedHanded(this.#closedHanded);
  }

  /** What a function gave back, as the check gets it: a call of a function that it gave is waited for, and may fail, as its own. */
  #given(target: string, value: unknown): unknown {
    if (typeof value !== "function") {
      if (this.promises.givesFunction) this.#fail(misbehaviour.noFunction(target, value));
      return value;
    }
    const what = `the function that \`${target}\` returned`;
    return (...args: unknown[]) => {
      this.stage.note("called", this.name, "the function that it returned");
      const called = this.#outcome(value(...args) as Promise<unknown>, what);
      // Whoever does not wait for it has other reasons to end.
      called.catch(() => {});
      return called;
    };
  }

  async #outcome(call: Promise<unknown>, what: string): Promise<unknown> {
    let outcome: { value: unknown } | { error: Failure } | undefined;
    this.#asked = `while ${what} was running`;
    call.then(
      (value) => {
        outcome = { value };
        this.stage.stir();
      },
      (error: Failure) => {
        outcome = { error };
        this.stage.stir();
      },
    );
    const ended = await this.stage.until(`${what} to be done`, () => outcome);
    if ("error" in ended)
      throw new Finding(misbehaviour.threw(`${what[0]?.toUpperCase()}${what.slice(1)}`, ended.error));
    return ended.value;
  }

  #target = "";
  #powerOff = false;
  #onSettled: (outcome: { ok: true; value: unknown } | { ok: false; error: Failure }) => void = () => {};

  /** What the host sees in its process; undefined when it does not answer. */
  async #look(): Promise<{ resources: readonly string[] } | undefined> {
    const look = (await Promise.race([
      this.#channel.call("host:look", []).catch(() => undefined),
      new Promise<undefined>((resolve) => setTimeout(resolve, 1_500 * pace(), undefined).unref()),
    ])) as { replaced: string[]; resources: string[] } | undefined;
    if (look) this.#replaced = look.replaced;
    return look;
  }

  #usedMs(): number | undefined {
    return this.host.pid === undefined ? undefined : processorTimeMs(this.host.pid);
  }

  /** Finds out where it loops, once, and blames it for that. */
  #examine(): Promise<void> {
    this.#examined ??= (async () => {
      const loading = this.#state === "loading";
      const asked = this.#asked;
      try {
        const patienceMs = inspectorMs * pace();
        const inspector = await this.host.openInspector(patienceMs);
        const { kind, location } = await whereItLoops(inspector, patienceMs, () => this.#usedMs());
        this.#blame(
          kind === "microtasks"
            ? misbehaviour.endlessMicrotasks(asked, loading, location)
            : misbehaviour.endlessLoop(asked, loading, location),
        );
      } catch {
        this.#blame(misbehaviour.endlessLoop(asked, loading));
      }
    })();
    return this.#examined;
  }

  #onEvent(event: string, data: unknown): void {
    if (event === "ready") this.host.pid = (data as { pid: number }).pid;
    if (event === "idle") this.#idle = true;
    if (event === "closed-handed") this.#closedHanded ??= (data as { how: HowClosed }).how;
    if (event === "dialed") {
      const { port } = data as { port: number };
      if (this.stage.foreign(port)) this.#blame(misbehaviour.foreignServer(port));
    }
    if (event === "uncaught") {
      this.#uncaught = data as { error: Failure; origin: string };
      this.#replaced = (data as { replaced: string[] }).replaced;
    }
    if (event === "settled") this.#onSettled(data as { ok: true; value: unknown });
  }

  #onOutput(text: string): void {
    this.#printed += text.length;
    if (this.output.length < keptOutput) this.output = (this.output + text).slice(0, keptOutput);
    if (this.#printed > this.limits.outputKb * 1_024) {
      this.#blame(misbehaviour.tooMuchOutput(this.limits.outputKb));
      this.host.end();
    }
  }

  #onExit(): void {
    const { exit } = this.host;
    if (this.host.lostParent && !exit && this.#state !== "killed") {
      this.#blame(misbehaviour.killedParent());
      this.host.end();
      return;
    }
    // Until it has said its id, nothing of the learner's has run in it.
    if (exit && this.host.pid === undefined && this.#state !== "killed") {
      this.#neverStarted = new EnvironmentTrouble(
        `A process for your program could not be started: it ended at once (${exit.signal ?? `exit status ${exit.code ?? "none"}`}).`,
        "This is not your program's fault. Are there enough memory and enough processes? Run the command again; if it stays, report it.",
      );
    } else if (exit && this.#state !== "killed") {
      this.stage.note("exited", this.name, String(exit.signal ?? exit.code));
      const loading = this.#state === "loading";
      const heapFull = exit.signal === "SIGABRT" && this.output.includes("heap out of memory");
      if (heapFull) this.#blame(misbehaviour.tooMuchMemory(this.limits.memoryMb, this.limits.memoryMb));
      else if (this.#uncaught && this.#replaced.length > 0)
        this.#blame(misbehaviour.replacedGlobals(this.#replaced));
      else if (this.#uncaught)
        this.#blame(
          misbehaviour.uncaught(
            this.#uncaught.error,
            this.#uncaught.origin === "unhandledRejection",
            this.#asked,
            loading,
          ),
        );
      else if (exit.signal) this.#blame(misbehaviour.killedItself(exit.signal, this.#asked));
      else if (this.#state === "running" || loading)
        this.#blame(misbehaviour.exited(exit.code ?? -1, this.#asked, loading));
      else if (exit.code !== 0) this.#blame(misbehaviour.badExit(exit.code ?? -1));
      else if (this.#state === "released" && !this.#idle) this.#blame(misbehaviour.exitAtTheEnd());
    }
    this.stage.stir();
  }

  #blame(parts: FindingParts): void {
    this.trouble ??= parts;
    this.stage.stir();
  }

  #fail(parts: FindingParts): never {
    this.trouble ??= parts;
    throw new Finding(this.trouble);
  }
}
