// Calls between a check and a learner's program, both ways, over a pipe: functions and abort signals travel as references.
// Both sides use this file. In the learner's process it keeps every global that it needs to itself, from before any
// learner code is loaded: a program that patches globals or writes to the pipe must not be able to speak for the host.
import v8 from "node:v8";

const mark = "$learn-nats";
const { from } = Buffer;
const NativePromise = Promise;
const uncurry = Function.prototype.bind.bind(Function.prototype.call) as unknown as <
  T extends (...args: never[]) => unknown,
>(
  method: T,
) => (self: unknown, ...args: Parameters<T>) => ReturnType<T>;
const bufferToString = uncurry(Buffer.prototype.toString);
export const stringSlice = uncurry(String.prototype.slice);
export const stringIndexOf = uncurry(String.prototype.indexOf);
const stringStartsWith = uncurry(String.prototype.startsWith);

// Kept before any learner code runs: a program may replace them in the module.
const { deserialize, serialize } = v8;

/** Bytes that a program wrote soon after something, between two bounds. */
export interface Wrote {
  readonly atLeast: number;
  readonly atMost: number;
}

export interface Failure {
  name: string;
  message: string;
  stack?: string;
  code?: string;
  /** nats: the JetStream API's own error. */
  api_error?: unknown;
}

export type Packet =
  | { type: "call"; id: number; target: number | string; args: unknown[] }
  | { type: "result"; id: number; ok: true; value: unknown }
  | { type: "result"; id: number; ok: false; error: Failure }
  | { type: "abort"; target: number }
  | { type: "event"; name: string; data: unknown };

/** One end of the channel. `send` carries a line of text to the other end. */
export class Channel {
  #nextCall = 1;
  #nextReference = 1;
  #waiting = new Map<number, { resolve(value: unknown): void; reject(error: unknown): void }>();
  #offered = new Map<number, (...args: unknown[]) => unknown>();
  #aborts = new Map<number, AbortController>();

  constructor(
    private readonly send: (line: string) => void,
    private readonly serve: {
      /** A call of a function by its name. */
      call(target: string, args: unknown[]): unknown;
      event(name: string, data: unknown): void;
      /** Wraps what an offered function does, so that the host can watch it. */
      error(error: unknown): Failure;
      /** Values that only this end can make, such as a connection from its options. */
      revive?(kind: string, data: unknown): unknown;
    },
  ) {}

  /** Calls a function of the other end; rejects with its error. */
  call(target: number | string, args: unknown[]): Promise<unknown> {
    const id = this.#nextCall++;
    return new NativePromise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#post({ type: "call", id, target, args: args.map((arg) => this.#pack(arg)) });
    });
  }

  event(name: string, data: unknown): void {
    this.#post({ type: "event", name, data: this.#pack(data) });
  }

  /** Takes a line from the other end. */
  receive(line: string): void {
    void this.#handle(deserialize(from(line, "base64")) as Packet);
  }

  /** Calls of the other end that are being worked on here. */
  serving = 0;

  /** Rejects all calls that wait, because the other end is gone. */
  close(reason: Error): void {
    for (const { reject } of this.#waiting.values()) reject(reason);
    this.#waiting.clear();
  }

  async #handle(packet: Packet): Promise<void> {
    if (packet.type === "event") return this.serve.event(packet.name, this.#unpack(packet.data));
    if (packet.type === "abort") return this.#aborts.get(packet.target)?.abort();
    if (packet.type === "result") {
      const waiting = this.#waiting.get(packet.id);
      this.#waiting.delete(packet.id);
      if (!packet.ok) return waiting?.reject(toError(packet.error));
      try {
        waiting?.resolve(this.#unpack(packet.value));
      } catch (error) {
        // A program may return what looks like a mark of ours.
        waiting?.reject(error);
      }
      return;
    }
    const { id, target } = packet;
    this.serving++;
    try {
      const args: unknown[] = [];
      for (const arg of packet.args) {
        const value = this.#unpack(arg);
        // Only for what has to be made first: calls begin in the order in which they came, whatever their arguments.
        args.push(value instanceof NativePromise ? await value : value);
      }
      const offered = typeof target === "number" ? this.#offered.get(target) : undefined;
      const value = await (offered ? offered(...args) : this.serve.call(String(target), args));
      this.#post({ type: "result", id, ok: true, value: this.#pack(value) });
    } catch (error) {
      this.#post({ type: "result", id, ok: false, error: this.serve.error(error) });
    } finally {
      this.serving--;
    }
  }

  #post(packet: Packet): void {
    let bytes: Buffer;
    try {
      bytes = serialize(packet);
    } catch (error) {
      // A value that cannot be copied (a socket, a symbol): say so instead of staying silent.
      if (packet.type !== "result") throw error;
      bytes = serialize({ type: "result", id: packet.id, ok: false, error: this.serve.error(error) });
    }
    this.send(bufferToString(bytes, "base64"));
  }

  #pack(value: unknown): unknown {
    if (typeof value === "function") {
      const id = this.#nextReference++;
      this.#offered.set(id, value as (...args: unknown[]) => unknown);
      return { [mark]: "function", data: id };
    }
    if (value instanceof AbortSignal) {
      const id = this.#nextReference++;
      value.addEventListener("abort", () => this.#post({ type: "abort", target: id }), { once: true });
      return { [mark]: "signal", data: { id, aborted: value.aborted } };
    }
    if (value instanceof Revived) return { [mark]: value.kind, data: value.data };
    if (Array.isArray(value)) return value.map((item) => this.#pack(item));
    if (value instanceof Error) return { [mark]: "error", data: this.serve.error(value) };
    if (isPlain(value)) {
      const copy: Record<string, unknown> = {};
      for (const key of Object.keys(value)) copy[key] = this.#pack(value[key]);
      return copy;
    }
    return value;
  }

  #unpack(value: unknown): unknown {
    if (Array.isArray(value)) {
      for (let i = 0; i < value.length; i++) value[i] = this.#unpack(value[i]);
      return value;
    }
    if (!isPlain(value)) return value;
    const kind = value[mark];
    if (typeof kind !== "string") {
      for (const key of Object.keys(value)) value[key] = this.#unpack(value[key]);
      return value;
    }
    if (kind === "function") return (...args: unknown[]) => this.call(value.data as number, args);
    if (kind === "error") return toError(value.data as Failure);
    if (kind === "signal") {
      const { id, aborted } = value.data as { id: number; aborted: boolean };
      const controller = new AbortController();
      if (aborted) controller.abort();
      this.#aborts.set(id, controller);
      return controller.signal;
    }
    return this.serve.revive?.(kind, value.data);
  }
}

/** A value that the other end makes from data, for example a connection from its options. */
export class Revived {
  constructor(
    readonly kind: string,
    readonly data: unknown,
  ) {}
}

/** Splits a stream of text into lines, however it is cut. */
export function lineReader(onLine: (line: string) => void): (text: string) => void {
  let rest = "";
  return (text) => {
    rest += text;
    let end = stringIndexOf(rest, "\n");
    while (end >= 0) {
      const line = stringSlice(rest, 0, end);
      rest = stringSlice(rest, end + 1);
      onLine(line);
      end = stringIndexOf(rest, "\n");
    }
  };
}

/** The line without the secret in front, or undefined when it does not carry it: then the host did not send it. */
export function authentic(line: string, secret: string): string | undefined {
  return stringStartsWith(line, `${secret} `) ? stringSlice(line, secret.length + 1) : undefined;
}

function toError(failure: Failure): Error {
  const error = new Error(failure.message);
  error.name = failure.name;
  // Never the stack of this file: to whoever prints it, it says nothing.
  error.stack = failure.stack ?? `${failure.name}: ${failure.message}`;
  if (failure.code !== undefined) Object.assign(error, { code: failure.code });
  if (failure.api_error !== undefined) Object.assign(error, { api_error: failure.api_error });
  return error;
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
