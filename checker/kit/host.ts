// Runs in a process of its own, and loads the learner's program there when the check says so. It starts in advance, with `nats`
// imported, so that a check does not wait for Node. What it says to the check is signed with a secret that only it knows.
import { writeSync } from "node:fs";
import { Socket } from "node:net";
import { pathToFileURL } from "node:url";
import * as nats from "nats";
import { Channel, type Failure, lineReader } from "./channel.ts";

/** Given by start-host.cjs. */
declare const importProgram: (url: string) => Promise<Record<string, unknown>>;

/** File descriptors of the two pipes to the check. */
const commands = 3;
const reports = 4;

// Kept before any learner code runs.
const realExit = process.reallyExit.bind(process) as (code: number) => never;
const write = writeSync;
const watched = watchedGlobals();

let secret = "";
const handed: nats.NatsConnection[] = [];
let exports: Record<string, unknown> = {};

// The program's own `import "nats"` finds the one that is loaded here already (checker/build.mjs makes the module that does so).
Object.defineProperty(globalThis, Symbol.for("learn-nats.nats"), { value: nats });

const input = new Socket({ fd: commands, readable: true, writable: false });
input.setEncoding("utf8");
const channel = new Channel((line) => say(`${secret} ${line}\n`), {
  call: (target, args) =>
    target.startsWith("host:")
      ? hostCalls[target.slice(5)]?.(...(args as never[]))
      : callExport(target, args),
  event: () => {},
  error: describe,
  revive: async (kind, data) => {
    if (kind !== "connection") return data;
    const connection = await nats.connect(data as nats.ConnectionOptions);
    handed.push(connection);
    return connection;
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
  channel.event("uncaught", { error: describe(error), origin });
});

const hostCalls: Record<string, (...args: never[]) => unknown> = {
  async load(file: string) {
    process.setSourceMapsEnabled(true);
    exports = await importProgram(pathToFileURL(file).href);
    return Object.fromEntries(Object.entries(exports).map(([name, value]) => [name, typeof value]));
  },
  ping: () => "pong",
  /** The program has nothing more to do: what was handed to it is closed, and it may end by itself. */
  async release() {
    for (const connection of handed) if (!connection.isClosed()) await connection.close().catch(() => {});
    const replaced = [...watched]
      .filter(([name, value]) => value !== Reflect.get(globalThis, name))
      .map(([name]) => name);
    // What else is open shows by the process staying alive; the pipe must not be what keeps it.
    input.unref();
    return { replaced, resources: process.getActiveResourcesInfo() };
  },
  resources: () => process.getActiveResourcesInfo(),
};

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
  const bytes = Buffer.from(line);
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
  const failure: Failure = { name, message };
  if (stack !== undefined) failure.stack = stack;
  const { code, api_error: api } = error as { code?: unknown; api_error?: unknown };
  if (code !== undefined) failure.code = String(code);
  if (api !== undefined) failure.api_error = { ...(api as object) };
  return failure;
}

/** The globals that programs, `nats` and this host stand on. */
function watchedGlobals(): Map<string, unknown> {
  const names = [
    "setTimeout",
    "clearTimeout",
    "setInterval",
    "setImmediate",
    "queueMicrotask",
    "Promise",
    "JSON",
    "Date",
    "Buffer",
  ];
  return new Map(names.map((name) => [name, Reflect.get(globalThis, name)]));
}

declare global {
  namespace NodeJS {
    interface Process {
      reallyExit(code?: number): never;
    }
  }
}
