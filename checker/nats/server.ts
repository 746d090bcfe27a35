// A real nats-server of our own: started, killed, frozen, restarted on the same store, and gone when the run is.
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { connect as dial } from "node:net";
import { join, sep } from "node:path";
import { EnvironmentTrouble } from "../course/errors.ts";
import type { FoundProgram } from "./install/find.ts";
import { markedEnvironment, removeFolder, temporaryFolder, watchOver } from "./reaper.ts";

export interface ServerSettings {
  /** JetStream, with its store in the server's own folder. Default true. */
  readonly jetstream?: boolean;
  /** Lines for the `jetstream` block, for example `max_buffered_msgs: 2`. */
  readonly jetstreamConfig?: string;
  /** Lines for the server's configuration file, after ours. Accounts and users may be given here with `ownAccounts`. */
  readonly config?: string;
  /** Leaves out our `authorization` block, because `config` says who may connect. */
  readonly ownAccounts?: boolean;
  /**
   * Who may connect, and what each may do: the text of a file of its own, which `setAccounts` replaces while the server runs. Our
   * `authorization` block is then left out, too.
   */
  readonly accounts?: string;
  /** The port to listen on; chosen by the system when absent. */
  readonly port?: number;
  /** How the other servers of its cluster reach it: at this port, and the configuration's lines for the one that it is in the end. */
  readonly routes?: { readonly port: number; config(port: number): string };
  /** Who may connect; somebody with a random password when absent. */
  readonly user?: Credentials;
  /** The same for the system account. */
  readonly system?: Credentials;
  /** The server's name, as clients see it in INFO. */
  readonly name?: string;
  /** Marks the processes of a part of the run (see reaper). */
  readonly part?: string;
}

export interface Credentials {
  readonly user: string;
  readonly pass: string;
}

export interface ServerCredentials {
  /** Of the account that streams and messages live in. */
  readonly user: Credentials;
  /** Of the system account: server events, monitoring, leader stepdown of the meta group. */
  readonly system: Credentials;
}

/** Of a server, or of all the servers of a cluster. */
export function randomCredentials(): ServerCredentials {
  return { user: { user: "carrier", pass: secret() }, system: { user: "system", pass: secret() } };
}

/** How long a server may take to answer before we call it trouble; it takes 20 to 40 ms on an idle machine. */
const readyWithinMs = 30_000;
/** For what a server that ended has still to say. */
const lastWordsMs = 1_000;
const keptLogLines = 200;
/** Beside the server's configuration, which includes it. */
const accountsFile = "accounts.conf";
/** How long a server may take to read its configuration again; it takes some milliseconds. */
const reloadedWithinMs = 30_000;
/** How long a client may take to say who it is. By default two seconds, too short for a program on a machine that is very busy. */
export const answerWithinS = 30;

export class NatsServer {
  readonly host = "127.0.0.1";
  /** Of the account that streams and messages live in. */
  readonly user: Credentials;
  /** Of the system account: server events, monitoring, leader stepdown of the meta group. */
  readonly system: Credentials;
  #process: ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();
  /** Somebody of ours is ending it. */
  #ending = false;
  #died: EnvironmentTrouble | undefined;
  #port: number;
  #monitor = 0;
  #routes: number;
  #log: string[] = [];
  #folder: string;
  #paused = false;
  #accounts: string | undefined;
  /** Who waits for the server's word on its new configuration. */
  #onReloaded: (whyNot: string | undefined) => void = () => {};

  private constructor(
    readonly program: FoundProgram,
    readonly settings: ServerSettings,
  ) {
    const random = randomCredentials();
    this.user = settings.user ?? random.user;
    this.system = settings.system ?? random.system;
    this.#port = settings.port ?? -1;
    this.#routes = settings.routes?.port ?? 0;
    this.#folder = temporaryFolder("server");
    this.#accounts = settings.accounts;
  }

  /**
   * Starts a server and waits until it answers.
   * @throws EnvironmentTrouble when it does not start, with its own last words
   */
  static async start(program: FoundProgram, settings: ServerSettings = {}): Promise<NatsServer> {
    const server = new NatsServer(program, settings);
    try {
      await server.#launch();
    } catch (error) {
      await server.close();
      throw error;
    }
    return server;
  }

  /** Where clients connect; the same after a restart, unless another program took it meanwhile. */
  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `nats://${this.host}:${this.#port}`;
  }

  /** Base URL of the monitoring endpoints (`/varz`, `/connz`, `/subsz`, `/jsz`); its port stays as that of the clients does. */
  get monitorUrl(): string {
    return `http://${this.host}:${this.#monitor}`;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  get running(): boolean {
    return this.#process !== undefined;
  }

  /** Resolves when the process is gone. */
  get ended(): Promise<void> {
    return this.#exited;
  }

  /** Set when it ended after it was ready, and nobody of ours ended it. */
  get died(): EnvironmentTrouble | undefined {
    return this.#died;
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** The server's last log lines. */
  get log(): readonly string[] {
    return this.#log;
  }

  /** Ends the server at once, as a power cut does; resolves when the process is gone. */
  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const child = this.#process;
    if (!child) return;
    if (this.#paused) this.resume();
    this.#ending = true;
    child.kill(signal);
    await this.#exited;
  }

  /** Ends the server the orderly way: clients are told, and the store is closed. */
  async stop(): Promise<void> {
    await this.kill("SIGTERM");
  }

  /**
   * Freezes the process: connections stay open and nothing is answered.
   * @throws EnvironmentTrouble on Windows, which has no SIGSTOP; stall the connections there
   */
  pause(): void {
    if (process.platform === "win32") {
      throw new EnvironmentTrouble(
        "A server cannot be frozen on Windows: it has no SIGSTOP.",
        "Stall its connections instead.",
      );
    }
    this.#process?.kill("SIGSTOP");
    this.#paused = true;
    if (process.platform === "linux" && this.pid !== undefined) waitUntilStopped(this.pid);
  }

  resume(): void {
    this.#process?.kill("SIGCONT");
    this.#paused = false;
  }

  /** Starts it again on the same store and, if it is still free, the same port. Kills it first if it runs. */
  async restart(): Promise<void> {
    await this.kill();
    await this.#launch();
  }

  /**
   * Replaces the text of its accounts while it runs. Who may still connect stays connected. (On Windows the server is started again.)
   * It is told twice: after the first time, what a new account imports as a service has no responders yet (2.9.10 to 2.15.2).
   * @returns what the server says when it does not take the text: then it goes on with the one before
   * @throws EnvironmentTrouble when it says nothing
   */
  async setAccounts(text: string): Promise<string | undefined> {
    const before = this.#accounts;
    this.#accounts = text;
    const whyNot =
      process.platform === "win32"
        ? await this.#startAgain()
        : ((await this.#reload()) ?? (await this.#reload()));
    if (whyNot === undefined) return undefined;
    this.#accounts = before;
    if (!this.running) await this.#launch();
    return whyNot.replaceAll(`${this.#folder}${sep}`, "");
  }

  /** @returns why it does not take its configuration */
  async #reload(): Promise<string | undefined> {
    this.#writeAccounts();
    const told = new Promise<{ whyNot: string | undefined }>((resolve) => {
      this.#onReloaded = (whyNot) => resolve({ whyNot });
    });
    this.#process?.kill("SIGHUP");
    const answer = await within(told, reloadedWithinMs);
    if (answer) return answer.whyNot;
    throw new EnvironmentTrouble(
      `${this.program.path} (nats-server ${this.program.version}) did not read its configuration again: ${this.#log.slice(-3).join(" · ")}`,
      "This is not your program's fault. Run the command again; if it stays, report it.",
    );
  }

  /** Where there is no SIGHUP. */
  async #startAgain(): Promise<string | undefined> {
    try {
      await this.restart();
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  }

  #writeAccounts(): void {
    if (this.#accounts !== undefined) writeFileSync(join(this.#folder, accountsFile), this.#accounts);
  }

  /** One monitoring document, for example `connz?subs=1`. */
  async monitor<T = Record<string, unknown>>(path: string): Promise<T> {
    // Not fetch: to load it costs more than the question.
    return new Promise((resolve, reject) => {
      const request = get(`${this.monitorUrl}/${path}`, (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (part: string) => {
          text += part;
        });
        response.on("error", reject);
        response.on("end", () => {
          try {
            resolve(JSON.parse(text) as T);
          } catch (error) {
            reject(error);
          }
        });
      });
      request.on("error", reject);
    });
  }

  /** Kills the server and removes its folder. */
  async close(): Promise<void> {
    await this.kill();
    removeFolder(this.#folder);
  }

  async #launch(): Promise<void> {
    const file = join(this.#folder, "server.conf");
    this.#log = [];
    writeFileSync(file, this.#configuration(this.settings.config));
    this.#writeAccounts();
    const child = spawn(this.program.path, ["-c", file], {
      stdio: ["ignore", "ignore", "pipe"],
      env: markedEnvironment(this.settings.part),
      // A group of its own: Ctrl-C in the terminal is ours to handle, and must not end a server in mid-check.
      detached: process.platform !== "win32",
      windowsHide: true,
    });
    watchOver(child);
    this.#process = child;
    this.#ending = false;
    this.#died = undefined;
    // The process may be gone before its last words have been read.
    const read = new Promise<void>((resolve) => child.once("close", () => resolve()));
    let isReady = false;
    let whyNot: Error | undefined;
    this.#exited = new Promise((resolve) => {
      const gone = () => {
        if (this.#process === child) {
          this.#process = undefined;
          this.#paused = false;
        }
        resolve();
      };
      child.once("exit", (code, end) => {
        if (isReady && !this.#ending) {
          this.#died = new EnvironmentTrouble(
            `${this.program.path} (nats-server ${this.program.version}) ended by itself in the middle of a check (${end ?? `exit status ${code}`}): ${this.#log.slice(-3).join(" · ")}`,
            "This is not your program's fault. Is there enough memory? Run the command again; if it stays, report it.",
          );
        }
        gone();
      });
      child.once("error", (error) => {
        whyNot = error;
        gone();
      });
    });
    const ready = new Promise<boolean>((resolve) => {
      this.#read(child, () => resolve(true));
      void this.#exited.then(() => resolve(false));
    });
    const inTime = await within(ready, readyWithinMs);
    if (inTime !== true || !(await this.#answers())) {
      await this.kill();
      await within(read, lastWordsMs);
      if (this.#leavesTakenPorts()) return this.#launch();
      throw new EnvironmentTrouble(
        `${this.program.path} (nats-server ${this.program.version}) did not start: ${whyNot?.message ?? (this.#log.slice(-3).join(" · ") || "it said nothing")}`,
        "Run `npm run doctor` to see which server is used and why.",
        { cause: whyNot },
      );
    }
    isReady = true;
  }

  /**
   * Somebody may take a port of ours while we are down. Clients of the course go through a relay, so any port will do. Servers of a
   * cluster call each other, so one that moved calls those that did not.
   * @returns whether that was why the server did not start
   */
  #leavesTakenPorts(): boolean {
    // Each system has words of its own for the reason, and Windows has them in the user's language.
    const isTaken = (port: number) => port > 0 && this.#log.some((line) => line.includes(`:${port}: bind: `));
    const client = this.settings.port === undefined && isTaken(this.#port);
    const monitor = isTaken(this.#monitor);
    const routes = isTaken(this.#routes);
    if (client) this.#port = -1;
    if (monitor) this.#monitor = 0;
    if (routes) this.#routes = -1;
    return client || monitor || routes;
  }

  #read(child: ChildProcess, onReady: () => void): void {
    let rest = "";
    let isReady = false;
    // It calls itself ready before it listens for the other servers, and ends when that port is taken.
    let listens = this.settings.routes === undefined;
    child.stderr?.setEncoding("utf8");
    child.stderr?.on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        // "[4711] 2026/01/02 03:04:05.678901 [INF] Listening for …": keep from the level on.
        const words = line.slice(Math.max(0, line.indexOf("[", 1))).trim();
        this.#log.push(words);
        const client = /Listening for client connections on \S+:(\d+)$/.exec(words);
        const monitor = /Starting http monitor on \S+:(\d+)$/.exec(words);
        const routes = /Listening for route connections on \S+:(\d+)$/.exec(words);
        if (client) this.#port = Number(client[1]);
        if (monitor) this.#monitor = Number(monitor[1]);
        if (routes) this.#routes = Number(routes[1]);
        isReady ||= words.includes("Server is ready");
        listens ||= routes !== null;
        if (isReady && listens) onReady();
        const [, whyNot] = /Failed to reload server configuration: (.*)$/.exec(words) ?? [];
        if (whyNot !== undefined || words.includes("Reloaded server configuration")) this.#onReloaded(whyNot);
      }
      if (this.#log.length > keptLogLines) this.#log = this.#log.slice(-keptLogLines);
    });
  }

  /** A client connects, is sent INFO, and its PING is answered: only then does the server serve. */
  async #answers(): Promise<boolean> {
    const answer = new Promise<boolean>((resolve) => {
      const socket = dial(this.#port, this.host);
      let heard = "";
      socket.on("error", () => resolve(false));
      socket.on("close", () => resolve(false));
      socket.on("data", (data) => {
        heard += data.toString("latin1");
        if (!heard.includes("\r\n")) return;
        resolve(heard.startsWith("INFO "));
        socket.destroy();
      });
    });
    return (await within(answer, readyWithinMs)) === true;
  }

  #configuration(more = ""): string {
    const { user, system, settings } = this;
    const own =
      settings.accounts !== undefined
        ? [`authorization { timeout: ${answerWithinS} }`]
        : settings.ownAccounts
          ? []
          : [
              `authorization { timeout: ${answerWithinS}, users: [ { user: ${user.user}, password: "${user.pass}" } ] }`,
              `accounts { $SYS { users: [ { user: ${system.user}, password: "${system.pass}" } ] } }`,
            ];
    return [
      `host: "${this.host}"`,
      `port: ${this.#port}`,
      `http: "${this.host}:${this.#monitor || -1}"`,
      `server_name: ${settings.name ?? "hub"}`,
      "logtime: true",
      ...own,
      ...(settings.jetstream === false
        ? []
        : [
            `jetstream { store_dir: ${JSON.stringify(join(this.#folder, "store"))}\n${settings.jetstreamConfig ?? ""} }`,
          ]),
      settings.routes?.config(this.#routes) ?? "",
      more,
      // The last: what stands in there counts.
      ...(this.#accounts === undefined ? [] : [`include ${accountsFile}`]),
      "",
    ].join("\n");
  }
}

/** A password of 24 letters and figures. */
export function secret(): string {
  return randomBytes(12).toString("hex");
}

/** A signal takes effect a moment later; until then a thread may still answer. Returns when all of them stand still. */
function waitUntilStopped(pid: number): void {
  const end = performance.now() + 1_000;
  while (performance.now() < end && !standsStill(pid)) {
    // It takes a few microseconds, on a busy machine milliseconds.
  }
}

function standsStill(pid: number): boolean {
  try {
    return readdirSync(`/proc/${pid}/task`).every((thread) => {
      const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, "latin1");
      // "1234 (name) S …": the state comes after the name, which may hold anything.
      return /^[TtZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
    });
  } catch {
    // A thread ended while we looked.
    return false;
  }
}

/** The promise's value, or undefined when it takes longer. */
async function within<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, ms, undefined);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
