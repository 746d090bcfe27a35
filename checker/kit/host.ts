// Runs in a process of its own, and loads the learner's program there when the check says so. It starts in advance, with `nats`
// imported, so that a check does not wait for Node. What it says to the check is signed with a secret that only it knows.
import { subscribe } from "node:diagnostics_channel";
import { writeSync } from "node:fs";
import { Socket } from "node:net";
import { pathToFileURL } from "node:url";
import * as nats from "nats";
import type { Stan } from "node-nats-streaming";
import { Channel, type Failure, lineReader, stringIndexOf, stringSlice, type Wrote } from "./channel.ts";
import { rehearse } from "./rehearsal.ts";
import { closeStreaming, connectStreaming, type StreamingOptions } from "./streaming-client.ts";

/** Given by start-host.cjs. */
declare const importProgram: (url: string) => Promise<Record<string, unknown>>;

/** File descriptors of the two pipes to the check. */
const commands = 3;
const reports = 4;

// Kept before any learner code runs.
const realExit = process.reallyExit.bind(process) as (code: number) => never;
const write = writeSync;
// Not Buffer.from: it puts short texts, and the secret with them, where every program can read.
const { alloc, byteLength } = Buffer;
const writeText = Buffer.prototype.write;
const later = setTimeout;
const afterThisTurn = setImmediate;
const originals = watchedGlobals();

let secret = "";
/** How to close each connection that was handed to the program. */
const handed: (() => Promise<void>)[] = [];
let exports: Record<string, unknown> = {};

// The program's own `import "nats"` finds the one that is loaded here already (checker/build.mjs makes the module that does so).
Object.defineProperty(globalThis, Symbol.for("learn-nats.nats"), { value: nats });

/** Those that are open to a server. */
const sockets = new Set<Socket>();
/** What the program wrote soon after the piece that it read; undefined as long as it read none. */
let wrote: Promise<Wrote> | undefined;
let stopWatching = () => {};

/** No program is loaded yet: what is dialed is not a learner's doing. */
let rehearsing = false;

const input = new Socket({ fd: commands, readable: true, writable: false });
input.setEncoding("utf8");
const channel = new Channel((line) => say(`${secret} ${line}\n`), {
  call: (target, args) =>
    target.startsWith("host:")
      ? hostCalls[target.slice(5)]?.(...(args as never[]))
      : callExport(target, args),
  event: (name, data) => {
    if (name === "rehearse") void rehearsal(data as nats.ConnectionOptions);
  },
  error: describe,
  revive: async (kind, data) => {
    if (kind === "connection") return hand(await nats.connect(data as nats.ConnectionOptions));
    if (kind === "streaming") return streamingClient(data as StreamingOptions);
    return data;
  },
});

input.on(
  "data",
  lineReader((line) => {
    // The first line is the secret; every later one is a packet.
    if (secret) return channel.receive(line);
    secret = line;
    channel.event("ready", { pid: process.pid });
  }),
);
// The check is gone: so is our reason to be here.
input.on("close", () => realExit(0));
input.on("error", () => realExit(0));

process.on("uncaughtExceptionMonitor", (error, origin) => {
  channel.event("uncaught", { error: describe(error), origin, replaced: replaced() });
});

// A program that has nothing more to do gets here; one that ends itself does not.
process.once("beforeExit", () => channel.event("idle", {}));

subscribe("net.client.socket", (message) => {
  if (rehearsing) return;
  const { socket } = message as { socket: Socket };
  socket.once("connect", () => channel.event("dialed", { port: socket.remotePort }));
  sockets.add(socket);
  socket.once("close", () => sockets.delete(socket));
});

// What is printed goes out at once, and a program that prints without end waits for its reader: else Node keeps what does not fit
// into the pipe, and a loop that prints is seen to print nothing more.
for (const { _handle } of [process.stdout, process.stderr] as unknown as StreamOfHandle[])
  _handle?.setBlocking?.(true);

const hostCalls: Record<string, (...args: never[]) => unknown> = {
  async load(file: string) {
    process.setSourceMapsEnabled(true);
    rehearsing = false;
    exports = await importProgram(pathToFileURL(file).href);
    return Object.fromEntries(Object.entries(exports).map(([name, value]) => [name, typeof value]));
  },
  ping: () => "pong",
  /** What may explain why the program does not get on. */
  look: () => ({ replaced: replaced(), resources: process.getActiveResourcesInfo() }),
  /** See LearnerProgram.reaction(). One timer begins before the program sees the piece, and one when it has worked the piece off. */
  watchNext(leastBytes: number, withinMs: number) {
    stopWatching();
    wrote = undefined;
    const watched = [...sockets].map((socket) => {
      const onData = (data: Uint8Array) => {
        if (data.byteLength < leastBytes) return;
        stopWatching();
        const before = socket.bytesWritten;
        let atLeast = 0;
        later(() => {
          atLeast = socket.bytesWritten - before;
        }, withinMs);
        wrote = new Promise((resolve) => {
          afterThisTurn(() =>
            later(() => resolve({ atLeast, atMost: socket.bytesWritten - before }), withinMs),
          );
        });
      };
      socket.prependListener("data", onData);
      return () => void socket.off("data", onData);
    });
    stopWatching = () => {
      for (const stop of watched) stop();
    };
  },
  wrote: () => wrote,
  /** The program has nothing more to do: what was handed to it is closed, and it may end by itself. */
  async release() {
    for (const close of handed) await close();
    // What else is open shows by the process staying alive; the pipe must not be what keeps it.
    input.unref();
    return { replaced: replaced() };
  },
};

async function rehearsal(options: nats.ConnectionOptions): Promise<void> {
  rehearsing = true;
  await importProgram("data:text/javascript,");
  await rehearse(nats, options);
  rehearsing = false;
  channel.event("rehearsed", {});
}

/** A connection for the program, that tells when the program closes it. */
function hand(connection: nats.NatsConnection): nats.NatsConnection {
  const close = connection.close.bind(connection);
  const drain = connection.drain.bind(connection);
  handed.push(async () => {
    if (!connection.isClosed()) await close().catch(() => {});
  });
  connection.close = () => {
    channel.event("closed-handed", { how: "close" });
    return close();
  };
  connection.drain = () => {
    channel.event("closed-handed", { how: "drain" });
    return drain();
  };
  return connection;
}

/** A client id can be connected once: whoever asks for it again gets the same client. */
const streamingClients = new Map<string, Promise<Stan>>();

function streamingClient(options: StreamingOptions): Promise<Stan> {
  const client = streamingClients.get(options.name) ?? connectStreaming(options).then(handStreaming);
  streamingClients.set(options.name, client);
  return client;
}

/** A client of NATS Streaming, that tells when the program closes it. */
function handStreaming(client: Stan): Stan {
  const close = client.close.bind(client);
  handed.push(() => {
    client.close = close;
    return closeStreaming(client);
  });
  client.close = () => {
    channel.event("closed-handed", { how: "close-streaming" });
    close();
  };
  return client;
}

async function callExport(name: string, args: unknown[]): Promise<unknown> {
  const powerOff = name.endsWith("!");
  const key = powerOff ? name.slice(0, -1) : name;
  const exported = exports[key];
  if (typeof exported !== "function") throw new TypeError(`${key} is not a function`);
  if (!powerOff) return exported(...args);
  try {
    const value = await exported(...args);
    channel.event("settled", { ok: true, value });
  } catch (error) {
    channel.event("settled", { ok: false, error: describe(error) });
  }
  // Not one turn of the event loop more: what the program has not sent by now is never sent.
  return realExit(0);
}

function say(line: string): void {
  let from = 0;
  const bytes = alloc(byteLength(line));
  writeText.call(bytes, line);
  while (from < bytes.length) {
    try {
      from += write(reports, bytes, from);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "EAGAIN") realExit(0);
    }
  }
}

function describe(error: unknown): Failure {
  if (!(error instanceof Error)) return { name: "Error", message: String(error) };
  const { name, message, stack } = error;
  // A program may put anything there.
  const failure: Failure = { name: String(name), message: String(message) };
  if (stack !== undefined) failure.stack = String(stack);
  const { code, api_error: api } = error as { code?: unknown; api_error?: unknown };
  if (code !== undefined) failure.code = String(code);
  if (api !== undefined) failure.api_error = { ...(api as object) };
  return failure;
}

/** Globals that programs, `nats` and this host stand on, with methods of theirs that are replaced by themselves. */
function watchedGlobals(): readonly (readonly [name: string, value: unknown])[] {
  return [
    "setTimeout",
    "clearTimeout",
    "setInterval",
    "clearInterval",
    "setImmediate",
    "queueMicrotask",
    "Promise",
    "Promise.all",
    "Promise.prototype.then",
    "JSON",
    "JSON.parse",
    "JSON.stringify",
    "Date",
    "Date.now",
    "Buffer",
    "Buffer.from",
    "process.exit",
  ].map((name) => [name, currently(name)] as const);
}

function currently(name: string): unknown {
  let value: unknown = globalThis;
  // Not split(): it is one of the methods that a program can replace.
  for (let from = 0, end = 0; end >= 0; from = end + 1) {
    end = stringIndexOf(name, ".", from);
    if (value === null || value === undefined) return undefined;
    value = (value as Record<string, unknown>)[stringSlice(name, from, end < 0 ? name.length : end)];
  }
  return value;
}

/** Names of the watched globals that are not what they were before the program was loaded. */
function replaced(): string[] {
  const names: string[] = [];
  for (let i = 0; i < originals.length; i++) {
    const [name, value] = originals[i] as readonly [string, unknown];
    // A replaced object brings other methods; its own name says it all.
    const owner = stringSlice(name, 0, Math.max(0, stringIndexOf(name, ".")));
    if (value !== currently(name) && !names.includes(owner)) names.push(name);
  }
  return names;
}

interface StreamOfHandle {
  _handle?: { setBlocking?(blocking: boolean): void };
}

declare global {
  namespace NodeJS {
    interface Process {
      reallyExit(code?: number): never;
    }
  }
}
