// The classroom's own nats-server: JetStream on disk, a WebSocket listener for the dashboard. When it dies it is started again on the
// same store and the same ports.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EnvironmentTrouble } from "../course/errors.ts";
import { endProcess } from "../nats/end-process.ts";
import type { FoundProgram } from "../nats/install/find.ts";
import { markedEnvironment, watchOver } from "../nats/reaper.ts";
import { mostBytes } from "./messages.ts";

export interface HubSettings {
  /** Holds the configuration and the store. */
  readonly folder: string;
  readonly host: string;
  readonly port: number;
  readonly wsPort: number;
  /** Lines that say who may connect. */
  readonly accounts: string;
  readonly tls?: TlsFiles;
  /** Pages that may open the WebSocket: a browser says where a page is from. */
  readonly origins: readonly string[];
}

export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

/** A server that was killed may hold its ports a moment longer: the reaper ends it. */
const startWithinMs = 20_000;
const againMs = { first: 100, most: 5_000 };

export class Hub {
  #child: ChildProcess | undefined;
  #closing = false;
  #log: string[] = [];
  #timer: NodeJS.Timeout | undefined;

  private constructor(
    readonly program: FoundProgram,
    readonly settings: HubSettings,
    private readonly tell: (words: string) => void,
  ) {}

  /** @throws EnvironmentTrouble with the server's own last words */
  static async start(
    program: FoundProgram,
    settings: HubSettings,
    tell: (words: string) => void = () => {},
  ): Promise<Hub> {
    const hub = new Hub(program, settings, tell);
    mkdirSync(settings.folder, { recursive: true });
    writeFileSync(hub.#file, hub.#configuration(), { mode: 0o600 });
    const end = performance.now() + startWithinMs;
    for (;;) {
      if (await hub.#launch()) return hub;
      if (
        performance.now() > end ||
        !hub.#log.some((line) => /address already in use|Only one usage of each socket address/.test(line))
      ) {
        hub.close();
        throw new EnvironmentTrouble(
          `${program.path} (nats-server ${program.version}) did not start: ${hub.#log.slice(-3).join(" · ") || "it said nothing"}`,
          `Is another program on port ${settings.port} or ${settings.wsPort}? Is this classroom open already? Choose others with --port.`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, againMs.first));
    }
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  close(): void {
    this.#closing = true;
    clearTimeout(this.#timer);
    // The orderly way closes the store; what does not go at once is ended with the run.
    this.#child?.kill("SIGTERM");
  }

  /** Ends it and waits until it is gone. */
  async stop(): Promise<void> {
    const child = this.#child;
    this.close();
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    const late = setTimeout(() => child.pid !== undefined && endProcess(child.pid), 5_000);
    await gone;
    clearTimeout(late);
  }

  get #file(): string {
    return join(this.settings.folder, "server.conf");
  }

  /** @returns whether it became ready */
  #launch(): Promise<boolean> {
    this.#log = [];
    const child = spawn(this.program.path, ["-c", this.#file], {
      stdio: ["ignore", "ignore", "pipe"],
      env: markedEnvironment(),
      detached: process.platform !== "win32",
      windowsHide: true,
    });
    watchOver(child);
    this.#child = child;
    return new Promise((resolve) => {
      let ready = false;
      let rest = "";
      child.stderr?.setEncoding("utf8");
      child.stderr?.on("data", (text: string) => {
        const lines = (rest + text).split("\n");
        rest = lines.pop() ?? "";
        this.#log = [...this.#log, ...lines].slice(-50);
        if (!ready && lines.some((line) => line.includes("Server is ready"))) {
          ready = true;
          resolve(true);
        }
      });
      child.once("error", (error) => {
        this.#log.push(error.message);
        resolve(false);
      });
      child.once("exit", (code, signal) => {
        resolve(false);
        if (ready && !this.#closing) this.#again(`${signal ?? `status ${code}`}`, againMs.first);
      });
    });
  }

  #again(why: string, waitMs: number): void {
    this.tell(`The nats-server ended (${why}); it is started again on the same store.`);
    this.#timer = setTimeout(async () => {
      if ((await this.#launch()) || this.#closing) return;
      this.#again(this.#log.at(-1) ?? "it did not start", Math.min(waitMs * 2, againMs.most));
    }, waitMs);
  }

  #configuration(): string {
    const { folder, host, port, wsPort, accounts, tls, origins } = this.settings;
    const files = tls && `tls { cert_file: ${quoted(tls.cert)}, key_file: ${quoted(tls.key)} }`;
    const [, minor = 0] = this.program.version.split(".").map(Number);
    return [
      `host: ${quoted(host)}`,
      `port: ${port}`,
      "server_name: classroom",
      `max_payload: ${4 * mostBytes}`,
      "max_connections: 8192",
      // A room that comes all at once, on a busy laptop: the server's own two seconds are too short for that.
      "authorization { timeout: 20 }",
      // A client that floods or does not read is cut off, before it costs the others memory.
      "max_pending: 16MB",
      "write_deadline: 5s",
      files ?? "",
      // A laptop may lose its power: at most a second of results must then come again. Older servers have no such setting.
      `jetstream { store_dir: ${quoted(join(folder, "store"))}, max_file_store: 8GB, max_memory_store: 64MB${minor >= 10 ? ', sync_interval: "1s"' : ""} }`,
      `websocket { host: ${quoted(host)}, port: ${wsPort}, ${files ?? "no_tls: true"}, compression: true, allowed_origins: [${origins.map(quoted).join(", ")}] }`,
      accounts,
      "",
    ].join("\n");
  }
}

const quoted = (text: string) => JSON.stringify(text);
