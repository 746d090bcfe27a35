// Declares a check: one vitest test that puts a learner's program through a situation and judges what it did.
import { inspect } from "node:util";
import type { NatsConnection } from "nats";
import type { Stan } from "node-nats-streaming";
import semver from "semver";
import { test } from "vitest";
import { EnvironmentTrouble } from "../course/errors.ts";
import { BorrowedServer, NeedsOwnServer } from "../nats/borrowed.ts";
import type { FoundProgram } from "../nats/install/find.ts";
import type { ServerSettings } from "../nats/server.ts";
import type { StreamingSettings } from "../nats/streaming-server.ts";
import { Journal } from "../wire/journal.ts";
import { CheckCluster } from "./check-cluster.ts";
import { CheckServer, Sight } from "./check-server.ts";
import { shownOnTheWire } from "./evidence.ts";
import { CannotCheck, Finding, type FindingParts } from "./finding.ts";
import type { Hook } from "./hook.ts";
import { defaultMemoryMb } from "./host-process.ts";
import { NatsCli } from "./nats-cli.ts";
import { needed } from "./needed.ts";
import type { LearnerProgram } from "./program.ts";
import { currentRun, droppedRun } from "./run.ts";
import { serverInUse, takeServer } from "./spares.ts";
import { type Belief, type Sign, Stage, type StartOptions } from "./stage.ts";

declare module "vitest" {
  interface TaskMeta {
    /** What a check asks for in its settings, in milliseconds; 0 when it is content with the default. */
    budgetMs?: number;
  }
}

export interface CheckSettings<Id extends string> {
  /** How long the check may wait in all, in milliseconds on an idle machine; scaled on a slow one. Default 10,000. */
  readonly budgetMs?: number;
  /** Memory of each program. Default 512. */
  readonly memoryMb?: number;
  /** What each program may print. Default 1,024. */
  readonly outputKb?: number;
  /** The server, where the default (JetStream on, one account) does not do. */
  readonly server?: ServerSettings | (() => ServerSettings);
  /** How many servers form a cluster for the check; `true` for three. They have the settings of `server`. Default: one server, no cluster. */
  readonly cluster?: boolean | number;
  /** The oldest server that can do this, for example `2.11.0`; on an older one the check is skipped. */
  readonly needsServer?: string;
  /** The check uses the nats CLI; where there is none it is skipped. */
  readonly needsCli?: boolean;
  /** The check uses a NATS Streaming server, with these settings if it needs any; where the program is not here it is skipped. */
  readonly streaming?: boolean | StreamingSettings;
  /** The beliefs that this check can recognise, by their stable ids. */
  readonly beliefs: Readonly<Record<Id, Belief>>;
}

/** A value as a check hands it to a program: hooks for functions, `server.connection()` for a connection. */
export type Handed<T> = T extends NatsConnection | Stan
  ? T
  : T extends (...args: infer A) => infer R
    ? ((...args: A) => R | Awaited<R> | Promise<Awaited<R>>) | Hook<A, R>
    : T extends AbortSignal
      ? AbortSignal
      : T extends readonly unknown[] | Uint8Array | Date
        ? T
        : T extends object
          ? { [K in keyof T]: Handed<T[K]> }
          : T;

/** A value as a program gives it back: its functions answer with a promise. */
export type Returned<T> = T extends (...args: infer A) => infer R
  ? (...args: A) => Promise<Awaited<R>>
  : T extends readonly unknown[] | Uint8Array | Date
    ? T
    : T extends object
      ? { [K in keyof T]: Returned<T[K]> }
      : T;

type Function_ = (...args: never[]) => unknown;
type FunctionsOf<E> = { [K in keyof E]: E[K] extends Function_ ? K : never }[keyof E] & string;

/** What a check has in hand. */
export interface Scene<Exercise, Id extends string> {
  /** In a cluster its first one. */
  readonly server: CheckServer;
  /** For a check with `cluster`. */
  readonly cluster: CheckCluster;
  readonly learner: {
    /** Starts one function of the exercise in a process of its own. */
    start<K extends FunctionsOf<Exercise>>(
      target: K,
      args: Exercise[K] extends (...args: infer A) => unknown ? { [I in keyof A]: Handed<A[I]> } : never,
      options?: StartOptions,
    ): Promise<
      LearnerProgram<Exercise[K] extends (...args: never[]) => infer R ? Returned<Awaited<R>> : never>
    >;
  };
  until: Stage["until"];
  lasting: Stage["lasting"];
  /** The nats CLI, for a check with `needsCli`. */
  readonly cli: NatsCli;
  request: Stage["request"];
  believes(id: Id, sign: Sign): void;
  /** Fails the check in these words. */
  fail(message: string, more?: Omit<FindingParts, "message">): never;
}

/** For what several checks of a lesson share: it is handed what it needs of the scene. */
export type Waiting = Pick<Scene<unknown, never>, "until" | "lasting">;
export type Until = Waiting["until"];
export type Lasting = Waiting["lasting"];
export type Fail = Scene<unknown, never>["fail"];

/** Checks of one exercise: `const { check } = exercise<typeof import("./exercise.ts")>()`. */
export function exercise<Exercise>() {
  return {
    check<Id extends string>(
      name: string,
      settings: CheckSettings<Id>,
      body: (scene: Scene<Exercise, Id>) => Promise<void>,
    ): void {
      // Time is the stage's business, which knows how slow the machine is; vitest's own limit must never come first.
      const { budgetMs = 0 } = settings;
      test.concurrent(name, { timeout: 600_000, meta: { budgetMs } }, async (context) => {
        try {
          await play(name, settings, body);
        } catch (error) {
          if (error instanceof CannotCheck) context.skip(error.message);
          keepTrouble(error, name);
          throw error;
        }
      });
    },
  };
}

/** What is no finding is not the learner's doing, wherever it was thrown: a server that did not start, a folder that could not be made. */
function keepTrouble(error: unknown, name: string): void {
  const run = currentRun();
  if (error instanceof Finding || run.findings.has(name)) return;
  run.trouble ??= asTrouble(error);
}

function asTrouble(error: unknown): EnvironmentTrouble {
  if (error instanceof EnvironmentTrouble) return error;
  const { name, message, stack } = error as Error;
  return new EnvironmentTrouble(
    `A check could not be made: ${name}: ${message}`,
    `This is not your program's fault. Run the command again; if it stays, report it with this: ${stack?.split("\n")[1]?.trim() ?? ""}`,
    { cause: error },
  );
}

async function play<Exercise, Id extends string>(
  name: string,
  settings: CheckSettings<Id>,
  body: (scene: Scene<Exercise, Id>) => Promise<void>,
): Promise<void> {
  const run = currentRun();
  if (run.only !== undefined && run.only !== name) throw new CannotCheck("was not asked for");
  // Before it is started: an older server may not even know the settings.
  const { version, path } = serverInUse();
  if (settings.needsServer && semver.lt(version, settings.needsServer)) {
    throw new CannotCheck(
      `needs nats-server ${settings.needsServer} or newer, and ${path} is ${version}: install a newer one there, or name one in NATS_SERVER_BIN`,
    );
  }
  if (run.dropped?.aborted) throw new Finding(droppedRun);
  if (run.unfit) {
    run.findings.set(name, run.unfit);
    throw new Finding(run.unfit);
  }
  const streaming = settings.streaming ? await needed("nats-streaming-server") : undefined;
  const cli = settings.needsCli ? await NatsCli.find() : undefined;
  try {
    const borrowed = await borrow(settings);
    if (borrowed) {
      try {
        run.borrowed.add(name);
        const server = await CheckServer.start(borrowed, new Sight(new Journal(), run.recorded));
        return await playOn(server, { cli }, name, settings, body);
      } catch (error) {
        if (!(error instanceof NeedsOwnServer)) throw error;
        run.borrowed.delete(name);
      }
    }
    const sight = new Sight(new Journal(), run.recorded);
    const wanted = (typeof settings.server === "function" ? settings.server() : settings.server) ?? {};
    const size = settings.cluster === true ? 3 : settings.cluster;
    const on = size
      ? await CheckCluster.start(serverInUse(), size, wanted, sight)
      : await CheckServer.start(await takeServer(wanted), sight);
    return await playOn(on, { cli, streaming }, name, settings, body);
  } finally {
    cli?.close();
  }
}

/** An account of the server that NATS_URL names, where that is set and the check can do with it. */
async function borrow<Id extends string>({
  server,
  cluster,
  needsServer,
  streaming,
}: CheckSettings<Id>): Promise<BorrowedServer | undefined> {
  const url = process.env.NATS_URL;
  const run = currentRun();
  if (!url || server !== undefined || cluster || streaming || run.notBorrowed !== undefined) return undefined;
  const answer = await BorrowedServer.borrow(url);
  if (typeof answer === "string") {
    run.notBorrowed = answer;
    return undefined;
  }
  if (!needsServer || semver.gte(answer.program.version, needsServer)) return answer;
  await answer.close();
  return undefined;
}

async function playOn<Exercise, Id extends string>(
  on: CheckServer | CheckCluster,
  { cli, streaming }: { cli: NatsCli | undefined; streaming?: FoundProgram | undefined },
  name: string,
  settings: CheckSettings<Id>,
  body: (scene: Scene<Exercise, Id>) => Promise<void>,
): Promise<void> {
  const run = currentRun();
  const servers = on instanceof CheckCluster ? on.nodes : ([on] as const);
  const { sight } = servers[0];
  const stage = new Stage(
    servers,
    run.exercise,
    { memoryMb: settings.memoryMb ?? defaultMemoryMb, outputKb: settings.outputKb ?? 1_024 },
    settings.beliefs,
    settings.budgetMs ?? 10_000,
    run.dropped,
  );
  run.journals.set(name, sight.journal);
  try {
    if (streaming)
      await stage.server.addStreaming(streaming, settings.streaming === true ? {} : settings.streaming || {});
    await body({
      server: stage.server,
      get cluster() {
        if (on instanceof CheckServer) throw new Error("A check that needs a cluster says so: cluster.");
        return on;
      },
      learner: { start: (target, args, options) => stage.start(target, args as unknown[], options) as never },
      until: (what, condition) => stage.until(what, condition),
      lasting: (ms, condition) => stage.lasting(ms, condition),
      get cli() {
        if (!cli) throw new Error("A check that uses the nats CLI says so: needsCli.");
        return cli;
      },
      request: (nc, subject, payload) => stage.request(nc, subject, payload),
      believes: (id, sign) => stage.believes(id, sign),
      fail: (message, more) => {
        throw new Finding({ message, ...more });
      },
    });
    await stage.finish();
  } catch (error) {
    // Whatever came of it, in a hook or in a program, is of no account.
    if (sight.denied) throw sight.denied;
    if (error instanceof NeedsOwnServer) throw error;
    for (const server of servers) {
      if (server.nats.lost) throw new NeedsOwnServer("lost");
      if (server.died) throw server.died;
    }
    const parts = await explain(error, stage);
    if (parts) {
      run.findings.set(name, {
        ...shownOnTheWire(parts, sight.journal),
        ...(stage.output && { output: stage.output }),
      });
      // Whoever loads it again waits in vain again; once is enough.
      if (parts.diagnosis?.match(/^endless-.*-while-loading$/)) run.unfit ??= parts;
    }
    throw error;
  } finally {
    await stage.close();
  }
}

/** What the learner reads of an error; undefined when it is not of the learner's making. */
async function explain(error: unknown, stage: Stage): Promise<FindingParts | undefined> {
  if (error instanceof CannotCheck || error instanceof EnvironmentTrouble) return undefined;
  let known = error instanceof Finding ? error.parts : undefined;
  if (known?.diagnosis || currentRun().dropped?.aborted) return known;
  // A failed expectation says what differs; a belief that shows, or a program that went wrong, says why.
  try {
    await stage.judge();
  } catch (better) {
    if (better instanceof EnvironmentTrouble) throw better;
    if (better instanceof Finding) known = better.parts;
    if (known?.diagnosis) return known;
  }
  const reason = await stage.reason();
  if (reason) return reason;
  if (known) return known;
  return isAssertion(error) ? assertionParts(error) : undefined;
}

interface Assertion {
  readonly message: string;
  readonly expected?: unknown;
  readonly actual?: unknown;
}

function isAssertion(error: unknown): error is Assertion {
  return (error as Error)?.name === "AssertionError";
}

function assertionParts({ message, expected, actual }: Assertion): FindingParts {
  const show = (value: unknown) =>
    inspect(value, { compact: true, breakLength: Number.POSITIVE_INFINITY, maxArrayLength: 12, depth: 4 });
  const words = message.split(/: expected /)[0] ?? message;
  return {
    message: words === message ? message : `${words}.`,
    evidence:
      expected === undefined && actual === undefined
        ? []
        : [`expected  ${show(expected)}`, `seen      ${show(actual)}`],
  };
}
