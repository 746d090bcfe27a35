// Every way of misbehaving, as data: the program, what its verdict must be, and the sentence that the learner reads. The table in
// CONTRIBUTING.md is made of it.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execaSync } from "execa";
import { root } from "../../checker/course/places.ts";

export interface Row {
  /** What the program does, or what the file is. */
  readonly does: string;
  /** The text of the exercise; or what makes the file and gives its path. */
  readonly program: string | ((folder: string) => string);
  /** Default lesson-01. */
  readonly lesson?: string;
  readonly exit: number;
  /** Of the verdict. */
  readonly status: "pass" | "fail" | "error";
  /** The diagnosis of each check that must not pass, by its name; or of all of them. None: every check passes, or none is run. */
  readonly diagnoses?: Readonly<Record<string, string>> | string;
  /** Words of the sentence that the learner reads. */
  readonly says?: string;
  /** The learner's own line. */
  readonly line?: number;
  /** Between two promises the program is on no line: on a busy machine the look may find none. A wrong one it never is. */
  readonly lineIsLuck?: boolean;
  /** Words of a type error, and where it is. */
  readonly typeError?: { readonly says: string; readonly line: number; readonly column: number };
  /** What no test of a person with all rights can make. */
  readonly notAsRoot?: boolean;
}

const solution = (folder: string) => JSON.stringify(join(root, "solutions", folder, "solution.ts"));
const first = solution("01-at-most-once");
const fourth = solution("04-sequences");

const sent = "every scan is sent before the terminal is switched off";
const asking = "asking tells an empty depot from a silent one";
const remembers = "the stream remembers as long as a scanner may be away";
const ledger = "the ledger goes on where it stopped";
const toldToStop = "told to stop, the ledger finishes its entry and makes no other";

/** Only `ask` misbehaves: what it does before it goes on as it should. The body begins on line 9. */
const ask = (body: string, before = "") => `import { spawn } from "node:child_process";
import { closeSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { connect, type ConnectionOptions } from "nats";
import { ask as rightly } from ${first};
export { report, watch } from ${first};
${before}
export async function ask(options: ConnectionOptions, depot: string, patience: number) {
${body}
  return rightly(options, depot, patience);
}
`;

/** The exercise is right, and more happens while it is loaded. On line 2. */
const onLoad = (more: string) => `export { ask, report, watch } from ${first};\n${more}\n`;

/** A message comes to a subscription of the program's own. */
const inHandler = (body: string) => `  const nc = await connect({ ...options, name: "handler" });
  nc.subscribe("learner.own", { callback: () => { ${body} } });
  nc.publish("learner.own");
  await nc.flush();
  await new Promise((resolve) => setTimeout(resolve, 200));
  await nc.close();`;

/**
 * A while after the last call of `ask` has returned: it is the second one in its program about depot ams, while the server is down. The time is
 * longer than a busy checker needs to let go of the program, and shorter than it waits then.
 */
const afterAll = (body: string) =>
  ask(
    `  if (depot === "ams" && patience === 100 && ++calls === 2) return rightly(options, depot, patience).finally(() => {
    setTimeout(() => { ${body} }, 900); });`,
    "let calls = 0;",
  );

/** Where the test looks up which processes a program has started. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: the program fills it in
const noteChild = 'writeFileSync(`${tmpdir()}/child-${child.pid}`, "");';

const only = (id: string) => ({ exit: 1, status: "fail", diagnoses: { [asking]: id } }) as const;
const everywhere = (id: string) => ({ exit: 1, status: "error", diagnoses: id }) as const;

const file = (text: string | Buffer) => (folder: string) => {
  const path = join(folder, "exercise.ts");
  writeFileSync(path, text);
  return path;
};

export const rows: readonly Row[] = [
  // Loops.
  {
    does: "an endless loop while it is loaded",
    program: onLoad("while (true) {}"),
    ...everywhere("endless-loop-while-loading"),
    says: "is in an endless loop while it was loaded",
    line: 2,
  },
  {
    does: "an endless loop in a function",
    program: ask("  while (true) {}"),
    ...only("endless-loop"),
    says: "is in an endless loop while `ask` was running",
    line: 9,
  },
  {
    does: "an endless loop in a callback",
    program: ask(inHandler("while (true) {}")),
    ...only("endless-loop"),
    says: "it never gives control back",
    line: 10,
  },
  {
    does: "awaits resolved promises for ever",
    program: ask("  for (;;) await undefined;"),
    ...only("endless-microtasks"),
    says: "awaits promises that are resolved already, for ever",
    line: 9,
    lineIsLuck: true,
  },
  {
    does: "awaits resolved promises for ever while it is loaded",
    program: onLoad("for (;;) await undefined;"),
    ...everywhere("endless-microtasks-while-loading"),
    says: "awaits promises that are resolved already, for ever, while it was loaded",
    line: 2,
    lineIsLuck: true,
  },
  {
    does: "an await that never ends",
    program: ask("  await new Promise(() => {});"),
    ...only("never-ends"),
    says: "it awaits something that does not come",
  },
  {
    does: "passes over messages when it was told to stop, and waits for more",
    lesson: "lesson-04",
    program: `import { DeliverPolicy, type NatsConnection } from "nats";
import type { Ledger, Scan } from ${fourth};
export { claim, createScans, record } from ${fourth};
export async function keepLedger(nc: NatsConnection, depot: string, ledger: Ledger, stop: AbortSignal) {
  const consumer = await nc.jetstream().consumers.get("SCANS", {
    filterSubjects: \`parcel.\${depot}.*\`,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: (await ledger.last()) + 1,
  });
  for await (const message of await consumer.consume()) {
    if (stop.aborted) continue;
    await ledger.enter(message.json<Scan>(), message.seq);
  }
}
`,
    exit: 1,
    status: "fail",
    diagnoses: { [toldToStop]: "never-stops" },
    says: "was told to stop",
  },
  {
    does: "an await that never ends while it is loaded",
    program: onLoad("await new Promise(() => {});"),
    ...everywhere("loading-never-ends"),
    says: "has not finished loading",
  },
  {
    does: "blocks without doing anything",
    program: ask("  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);"),
    ...only("stands-still"),
    says: "a call that blocks holds it",
  },
  // Ends.
  {
    does: "`process.exit(0)` while it is loaded",
    program: onLoad("process.exit(0);"),
    ...everywhere("exit-while-loading"),
    says: "exit status 0 while it was being loaded",
  },
  {
    does: "`process.exit(1)` while it is loaded",
    program: onLoad("process.exit(1);"),
    ...everywhere("exit-while-loading"),
    says: "exit status 1 while it was being loaded",
  },
  {
    does: "`process.exit(0)` in a function",
    program: ask("  process.exit(0);"),
    ...only("exit-too-early"),
    says: "ended itself with exit status 0 while `ask` was running",
  },
  {
    does: "`process.exit(1)` in a function",
    program: ask("  process.exit(1);"),
    ...only("exit-too-early"),
    says: "ended itself with exit status 1 while `ask` was running",
  },
  {
    does: "`process.exit(0)` in a message handler",
    program: ask(inHandler("process.exit(0);")),
    ...only("exit-too-early"),
    says: "messages that were not sent yet are lost",
  },
  {
    does: "`process.exit(0)` in a timer, after all is done",
    program: afterAll("process.exit(0);"),
    ...only("exit-at-the-end"),
    says: "did its work, and then ended itself with `process.exit(0)`",
  },
  {
    does: "`process.exit(1)` in a timer, after all is done",
    program: afterAll("process.exit(1);"),
    ...only("exit-with-failure"),
    says: "then ended with exit status 1",
  },
  {
    does: '`process.kill(process.pid, "SIGKILL")`',
    program: ask('  process.kill(process.pid, "SIGKILL");\n  await new Promise(() => {});'),
    ...only("killed-itself"),
    says: "was ended by the signal SIGKILL while `ask` was running",
  },
  {
    does: "`process.kill(process.ppid)`",
    program: ask(
      "  process.kill(process.ppid);\n  await new Promise((resolve) => setTimeout(resolve, 300));",
    ),
    ...only("killed-its-parent"),
    says: "ended the process that started it",
  },
  {
    does: "forges a report of the host that all is well",
    program: ask(
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the program fills it in
      '  for (const fd of [3, 4]) try { writeSync(fd, `${"0".repeat(32)} {"type":"result","id":1,"ok":true,"value":"open"}\\n`); } catch {}',
    ),
    ...only("forged-report"),
    says: "Nothing that was written there counted",
  },
  // Errors.
  {
    does: "a rejection that nobody handles",
    program: ask('  void Promise.reject(new Error("lost"));\n  await new Promise(() => {});'),
    ...only("unhandled-rejection"),
    says: "was rejected and nobody handled it while `ask` was running: lost",
    line: 9,
  },
  {
    does: "a rejection that nobody handles, after all is done",
    program: afterAll('void Promise.reject(new Error("late"));'),
    ...only("unhandled-rejection"),
    says: "was rejected and nobody handled it",
    line: 10,
  },
  {
    does: "throws in a callback",
    program: ask('  setTimeout(() => { throw new RangeError("too far"); });\n  await new Promise(() => {});'),
    ...only("uncaught-error"),
    says: "nobody caught it: RangeError: too far",
    line: 9,
  },
  {
    does: "throws while it is loaded",
    program: onLoad('throw new Error("not today");'),
    ...everywhere("throws-while-loading"),
    says: "could not be loaded: not today",
    line: 2,
  },
  // Without end.
  {
    does: "output without end",
    program: ask('  for (;;) console.log("x".repeat(1_000));'),
    ...only("too-much-output"),
    says: "printed more than 1024 kB",
  },
  {
    does: "memory without end, in objects",
    program: ask(
      "  const kept: unknown[] = [];\n  for (;;) kept.push(new Array(100_000).fill(Math.random()));",
    ),
    ...only("too-much-memory"),
    says: "this check allows 512 MB",
  },
  {
    does: "memory without end, in buffers",
    program: ask("  const kept: unknown[] = [];\n  for (;;) kept.push(Buffer.alloc(10_000_000, 1));"),
    ...only("too-much-memory"),
    says: "this check allows 512 MB",
  },
  // Left behind.
  {
    does: "a connection left open",
    program: ask("  await connect(options);"),
    ...only("connection-left-open"),
    says: "a connection that it opened is still open",
  },
  {
    does: "a timer left running",
    program: ask("  setInterval(() => {}, 100);"),
    ...only("timer-left-running"),
    says: "one of its timers still runs",
  },
  {
    does: "a child process left running",
    program: ask(`  const child = spawn("sleep", ["600"]);\n  ${noteChild}`),
    ...only("child-left-running"),
    says: "a process that it started still runs",
  },
  {
    does: "a child process left running in a session of its own",
    program: ask(
      `  const child = spawn("sleep", ["600"], { detached: true, stdio: "ignore" });\n  child.unref();\n  ${noteChild}`,
    ),
    ...only("child-left-running"),
    says: "a process that it started still ran, and was ended",
  },
  {
    does: "a child process left running in a session and an environment of its own",
    program: ask(
      `  const child = spawn("sleep", ["600"], { detached: true, stdio: "ignore", env: {} });\n  child.unref();\n  ${noteChild}`,
    ),
    ...only("child-left-running"),
    says: "a process that it started still ran, and was ended",
  },
  // The file.
  {
    does: "a syntax error",
    program: `export { report, watch } from ${first};\nexport function ask( {\n`,
    ...everywhere("syntax-error"),
    says: "is not valid TypeScript",
    line: 3,
  },
  {
    does: "a type error",
    program: onLoad('export const late: number = "soon";'),
    exit: 1,
    status: "fail",
    typeError: { says: "Type 'string' is not assignable to type 'number'. (TS2322)", line: 2, column: 14 },
  },
  {
    does: "a type error beside an endless loop",
    program: ask("  while (true) {}", 'export const late: number = "soon";'),
    ...only("endless-loop"),
    says: "is in an endless loop",
    typeError: { says: "Type 'string' is not assignable to type 'number'. (TS2322)", line: 7, column: 14 },
  },
  {
    does: "a missing export",
    program: `export { report, watch } from ${first};\n`,
    ...only("missing-export"),
    says: "does not export `ask`; it exports `report`, `watch`",
  },
  {
    does: "an export of another kind",
    program: `export { report, watch } from ${first};\nexport const ask = 42;\n`,
    ...only("wrong-export"),
    says: "`ask` must be a function; your file exports a number",
  },
  {
    does: "an empty file",
    program: file(""),
    ...everywhere("empty-file"),
    says: "The file is empty",
  },
  {
    does: "a file of 10 MB",
    program: file(`// ${"x".repeat(10_000_000)}\n`),
    ...everywhere("file-too-large"),
    says: "The file is 10.0 MB",
  },
  {
    does: "a file that is not UTF-8",
    program: file(Buffer.from("// d\u00e9p\u00f4t\n", "latin1")),
    ...everywhere("not-utf-8"),
    says: "is not UTF-8 text",
  },
  {
    does: "a folder",
    program: (folder) => {
      const path = join(folder, "exercise.ts");
      mkdirSync(path);
      return path;
    },
    exit: 2,
    status: "error",
    says: "is a folder, not a file",
  },
  {
    does: "a named pipe",
    program: (folder) => {
      const path = join(folder, "exercise.ts");
      execaSync("mkfifo", [path]);
      return path;
    },
    exit: 2,
    status: "error",
    says: "is not a regular file",
  },
  {
    does: "a file that is not there",
    program: (folder) => join(folder, "exercise.ts"),
    exit: 2,
    status: "error",
    says: "There is no file",
  },
  {
    does: "a file that may not be read",
    program: (folder) => {
      const path = join(folder, "exercise.ts");
      writeFileSync(path, onLoad(""), { mode: 0 });
      return path;
    },
    exit: 2,
    status: "error",
    says: "cannot be read (EACCES)",
    notAsRoot: true,
  },
  // What it was handed, and what it stands on.
  {
    does: "closes the connection that it was handed",
    lesson: "lesson-04",
    program: `import type { NatsConnection } from "nats";
import { createScans as rightly } from ${fourth};
export { claim, keepLedger, record } from ${fourth};
export async function createScans(nc: NatsConnection, hours: number) {
  await nc.close();
  await rightly(nc, hours);
}
`,
    exit: 1,
    status: "fail",
    diagnoses: { [remembers]: "closed-handed-connection" },
    says: "closed the connection that it was handed",
  },
  {
    does: "drains the connection that it was handed",
    lesson: "lesson-04",
    program: `import type { NatsConnection } from "nats";
import { createScans as rightly } from ${fourth};
export { claim, keepLedger, record } from ${fourth};
export async function createScans(nc: NatsConnection, hours: number) {
  await nc.drain();
  await rightly(nc, hours);
}
`,
    exit: 1,
    status: "fail",
    diagnoses: { [remembers]: "drained-handed-connection" },
    says: "drained the connection that it was handed",
  },
  ...(["delete", "purge"] as const).map(
    (how): Row => ({
      does: `${how}s the stream that it was handed`,
      lesson: "lesson-04",
      program: `import type { NatsConnection } from "nats";
import { type Ledger, keepLedger as rightly } from ${fourth};
export { claim, createScans, record } from ${fourth};
export async function keepLedger(nc: NatsConnection, depot: string, ledger: Ledger, stop: AbortSignal) {
  const manager = await nc.jetstreamManager();
  await manager.streams.${how}("SCANS");
  await rightly(nc, depot, ledger, stop);
}
`,
      exit: 1,
      status: "fail",
      diagnoses: Object.fromEntries(
        [ledger, toldToStop].map((check) => [
          check,
          how === "delete" ? "deleted-handed-stream" : "purged-handed-stream",
        ]),
      ),
      says: `${how}d the stream SCANS, which was there before it`,
    }),
  ),
  {
    does: "replaces `setTimeout` by one that does not wait",
    program: ask(
      "  const real = setTimeout;\n  globalThis.setTimeout = ((work: () => void) => real(work, 0)) as typeof setTimeout;",
    ),
    ...only("replaced-globals"),
    says: "replaced `setTimeout`",
  },
  {
    does: "replaces `Promise`",
    program: ask("  globalThis.Promise = class extends Promise<unknown> {} as PromiseConstructor;"),
    ...only("replaced-globals"),
    says: "replaced `Promise`",
  },
  {
    does: "replaces `JSON.parse`",
    program: ask("  JSON.parse = () => ({});"),
    ...only("replaced-globals"),
    says: "replaced `JSON.parse`",
  },
  {
    does: "connects to the server of another check",
    // `watch` of another check tells its address, and holds its server until `report` has been there.
    program: `import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import type { ConnectionOptions } from "nats";
import { type Board, report as rightly, type Scan, watch as rightlyWatch } from ${first};
export { ask } from ${first};
const address = tmpdir() + "/address", visited = tmpdir() + "/visited";
async function there(path: string) {
  for (let i = 0; i < 10_000 && !existsSync(path); i++) await new Promise((resolve) => setTimeout(resolve, 5));
}
export async function report(options: ConnectionOptions, depot: string, scans: Scan[]) {
  if (!existsSync(visited)) {
    await there(address);
    const [host, port] = readFileSync(address, "utf8").split(":");
    await new Promise<void>((resolve) => {
      const other = createConnection({ host, port: Number(port) }, () => {
        writeFileSync(visited, "");
        other.end(resolve);
      });
    });
  }
  await rightly(options, depot, scans);
}
export async function watch(options: ConnectionOptions, depot: string, last: number, board: Board) {
  writeFileSync(address + process.pid, String(options.servers));
  renameSync(address + process.pid, address);
  await there(visited);
  return rightlyWatch(options, depot, last, board);
}
`,
    exit: 1,
    status: "fail",
    diagnoses: { [sent]: "foreign-server" },
    says: "where the server of another check listens",
  },
  // What is right.
  {
    does: "prints freely",
    program: `import { ask as rightly } from ${first};
export { report, watch } from ${first};
console.log("loading");
process.stderr.write("Debugger listening on ws://127.0.0.1:1/none\\n");
export async function ask(...args: Parameters<typeof rightly>) {
  for (let i = 0; i < 1_000; i++) console.log("asking", i, { verdict: "pass" });
  console.error("{}");
  return rightly(...args);
}
`,
    exit: 0,
    status: "pass",
  },
  {
    does: "reads the solution and exports it again",
    program: onLoad(""),
    exit: 0,
    status: "pass",
  },
];

/** The table as CONTRIBUTING.md shows it. */
export function asMarkdown(): string {
  const lines = rows.map(({ does, exit, status, diagnoses, says, typeError }) => {
    const id = typeof diagnoses === "string" ? diagnoses : Object.values(diagnoses ?? {})[0];
    const words = says ?? typeError?.says;
    return `| ${does} | ${id ? `\`${id}\`` : ""} | ${status} | ${exit} | ${words ? `… ${words} …` : ""} |`;
  });
  return ["| the program | diagnosis | verdict | exit | says |", "|---|---|---|---|---|", ...lines].join(
    "\n",
  );
}
