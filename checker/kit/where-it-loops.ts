// Asks a program that loops, through Node's inspector, which of the learner's lines it is at and what kind of loop it is.
import { readFileSync } from "node:fs";
import { SourceMap } from "node:module";
import { dirname, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Location } from "./finding.ts";
import { learnerLine } from "./source-lines.ts";

export interface Loop {
  /** `microtasks`: promises that are resolved already are awaited for ever. `plain`: a loop without such an await. */
  readonly kind: "plain" | "microtasks";
  readonly location?: Location;
}

interface Frame {
  readonly location: {
    readonly scriptId: string;
    readonly lineNumber: number;
    readonly columnNumber: number;
  };
}

/** Sets a mark once other promises get their turn. Native async functions stand on no global that a program could replace. */
const turn =
  "(() => { const turn = { came: false }; (async () => { await 0; turn.came = true; })(); return turn; })()";
/** Processor time for which the loop runs on, so that other promises could have had their turn; they need microseconds. */
const turnMs = 50;
/** A loop that is never seen in the learner's file is in a package, or where there is no line. */
const mostSteps = 20;

/**
 * @param url of the inspector
 * @param usedMs processor time that the program has used; undefined where that cannot be told
 * @throws Error when the inspector does not answer in time
 */
export async function whereItLoops(
  url: string,
  timeoutMs: number,
  usedMs: () => number | undefined,
): Promise<Loop> {
  const { WebSocket } = await import("undici");
  const socket = new WebSocket(url);
  const inspector = new Inspector(socket);
  const timer = setTimeout(() => inspector.close(new Error("The inspector did not answer.")), timeoutMs);
  try {
    await inspector.opened;
    await inspector.call("Debugger.enable");
    let location = lineOf(await inspector.pause(), inspector.scripts);
    const { result } = (await inspector.call("Runtime.evaluate", { expression: turn })) as {
      result: { objectId: string };
    };
    const from = usedMs();
    let came = false;
    let over = false;
    while (!came && !over) {
      await inspector.call("Debugger.resume");
      await sleep(turnMs);
      const frames = await inspector.pause();
      location ??= lineOf(frames, inspector.scripts);
      over = from === undefined || (usedMs() ?? 0) - from > turnMs;
      const look = (await inspector.call("Runtime.callFunctionOn", {
        objectId: result.objectId,
        functionDeclaration: "function () { return this.came; }",
        returnByValue: true,
      })) as { result: { value: boolean } };
      came = look.result.value;
    }
    // Between two turns of promises no line of the learner's is at work: a few steps lead to one.
    for (let steps = 0; !location && steps < mostSteps; steps++)
      location = lineOf(await inspector.pause("Debugger.stepInto"), inspector.scripts);
    return { kind: came ? "microtasks" : "plain", ...(location && { location }) };
  } finally {
    clearTimeout(timer);
    inspector.close(new Error("The inspector was closed."));
  }
}

/** One conversation over the inspector's protocol (chromedevtools.github.io/devtools-protocol). */
class Inspector {
  readonly opened: Promise<void>;
  /** The URL of each script that the program loaded, by its id. */
  readonly scripts = new Map<string, string>();
  #nextId = 1;
  #waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  #onPaused: ((frames: Frame[]) => void) | undefined;
  #fail: (error: Error) => void = () => {};
  readonly #failed: Promise<never>;

  constructor(private readonly socket: import("undici").WebSocket) {
    this.#failed = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.#failed.catch(() => {});
    const open = new Promise<void>((done) => socket.addEventListener("open", () => done(), { once: true }));
    this.opened = Promise.race([open, this.#failed]);
    socket.addEventListener("error", () => this.#fail(new Error("The inspector hung up.")));
    socket.addEventListener("close", () => this.#fail(new Error("The inspector hung up.")));
    socket.addEventListener("message", ({ data }) => this.#take(JSON.parse(String(data))));
  }

  call(method: string, params: object = {}): Promise<unknown> {
    const id = this.#nextId++;
    const answer = new Promise<unknown>((done, reject) => this.#waiting.set(id, { resolve: done, reject }));
    this.socket.send(JSON.stringify({ id, method, params }));
    return Promise.race([answer, this.#failed]);
  }

  /** Stops the program, or goes one step on; gives the frames that it stands in, topmost first. */
  async pause(how: "Debugger.pause" | "Debugger.stepInto" = "Debugger.pause"): Promise<Frame[]> {
    const paused = new Promise<Frame[]>((done) => {
      this.#onPaused = done;
    });
    await this.call(how);
    return Promise.race([paused, this.#failed]);
  }

  close(reason: Error): void {
    this.#fail(reason);
    this.socket.close();
  }

  #take(message: {
    id?: number;
    result?: unknown;
    error?: { message: string };
    method?: string;
    params?: unknown;
  }): void {
    if (message.method === "Debugger.paused")
      this.#onPaused?.((message.params as { callFrames: Frame[] }).callFrames);
    if (message.method === "Debugger.scriptParsed") {
      const { scriptId, url } = message.params as { scriptId: string; url: string };
      this.scripts.set(scriptId, url);
    }
    if (message.id === undefined) return;
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.error) waiting?.reject(new Error(message.error.message));
    else waiting?.resolve(message.result);
  }
}

/** The topmost of the learner's lines, by the source map of the program that is run. */
function lineOf(frames: readonly Frame[], scripts: ReadonlyMap<string, string>): Location | undefined {
  for (const { location } of frames) {
    const url = scripts.get(location.scriptId);
    if (!url?.startsWith("file:")) continue;
    const file = fileURLToPath(url);
    const map = sourceMapOf(file);
    const entry = map?.findEntry(location.lineNumber, location.columnNumber);
    if (!entry || !("originalSource" in entry)) continue;
    const source = entry.originalSource.startsWith("file:")
      ? fileURLToPath(entry.originalSource)
      : resolve(dirname(file), entry.originalSource);
    const found = learnerLine(`${source}:${entry.originalLine + 1}:${entry.originalColumn + 1}`);
    if (found) return found;
  }
  return undefined;
}

function sourceMapOf(file: string): SourceMap | undefined {
  try {
    const [, url] = [...readFileSync(file, "utf8").matchAll(/^\/\/# sourceMappingURL=(\S+)$/gm)].at(-1) ?? [];
    if (!url) return undefined;
    const inline = /^data:application\/json[^,]*;base64,(.*)$/.exec(url)?.[1];
    const json = inline
      ? Buffer.from(inline, "base64").toString()
      : readFileSync(resolve(dirname(file), url), "utf8");
    return new SourceMap(JSON.parse(json));
  } catch {
    return undefined;
  }
}
