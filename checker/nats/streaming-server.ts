// A real NATS Streaming server beside a nats-server, which it speaks through: started, killed, and started again on the same store.
import { type ChildProcess, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { get } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { EnvironmentTrouble } from "../course/errors.ts";
import type { FoundProgram } from "./install/find.ts";
import { markedEnvironment, removeFolder, temporaryFolder, watchOver } from "./reaper.ts";
import type { Credentials } from "./server.ts";

/** The nats-server that it connects to; it has no clients of its own. */
export interface Beside {
  readonly url: string;
  /** Absent where everybody may connect. */
  readonly user?: Credentials;
}

export interface StreamingSettings {
  /** How many messages a channel keeps; the oldest go. Default: a million. */
  readonly maxMsgs?: number;
}

/** A durable or other subscription, as the server's monitoring tells it. */
export interface ChannelSubscription {
  readonly client_id: string;
  readonly queue_name?: string;
  readonly is_durable: boolean;
  readonly is_offline: boolean;
  readonly max_inflight: number;
  /** In seconds. */
  readonly ack_wait: number;
  readonly durable_name?: string;
  readonly last_sent: number;
  /** Messages that were sent and not acked. */
  readonly pending_count: number;
}

export interface ChannelState {
  readonly name: string;
  readonly msgs: number;
  readonly first_seq: number;
  readonly last_seq: number;
  readonly subscriptions?: readonly ChannelSubscription[];
}

/** It takes 40 ms on an idle machine. */
const readyWithinMs = 30_000;

export class StreamingServer {
  /** Clients name it when they connect. */
  readonly clusterId = "carrier";
  readonly #folder = temporaryFolder("streaming");
  #process: ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();
  #ending = false;
  #died: EnvironmentTrouble | undefined;
  #monitor = 0;
  #log: string[] = [];

  private constructor(
    readonly program: FoundProgram,
    private readonly beside: Beside,
    private readonly settings: StreamingSettings,
  ) {}

  /**
   * Starts it, with an empty file store, and waits until it serves.
   * @throws EnvironmentTrouble when it does not start, with its own last words
   */
  static async start(
    program: FoundProgram,
    beside: Beside,
    settings: StreamingSettings = {},
  ): Promise<StreamingServer> {
    const server = new StreamingServer(program, beside, settings);
    try {
      await server.#launch();
    } catch (error) {
      await server.close();
      throw error;
    }
    return server;
  }

  get running(): boolean {
    return this.#process !== undefined;
  }

  /** Set when it ended after it was ready, and nobody of ours ended it. */
  get died(): EnvironmentTrouble | undefined {
    return this.#died;
  }

  /** Base URL of its monitoring, under `/streaming/`; another one after a restart. */
  get monitorUrl(): string {
    return `http://127.0.0.1:${this.#monitor}`;
  }

  /** SIGKILL; resolves when the process is gone. */
  async kill(): Promise<void> {
    this.#ending = true;
    this.#process?.kill("SIGKILL");
    await this.#exited;
  }

  /** Starts it again on the same store. */
  async restart(): Promise<void> {
    await this.kill();
    await this.#launch();
  }

  /** A channel as the server has it, with its subscriptions; undefined when there is none of this name. */
  channel(name: string): Promise<ChannelState | undefined> {
    const url = `${this.monitorUrl}/streaming/channelsz?subs=1&channel=${encodeURIComponent(name)}`;
    return new Promise((resolve, reject) => {
      get(url, (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (part: string) => {
          text += part;
        });
        response.on("error", reject);
        response.on("end", () =>
          response.statusCode === 200 ? resolve(JSON.parse(text) as ChannelState) : resolve(undefined),
        );
      }).on("error", reject);
    });
  }

  /** Kills it and removes its store. */
  async close(): Promise<void> {
    await this.kill();
    removeFolder(this.#folder);
  }

  async #launch(tries = 3): Promise<void> {
    // Unlike nats-server it does not say which port it chose for monitoring, so one is chosen for it.
    this.#monitor = await freePort();
    const file = join(this.#folder, "streaming.conf");
    // In a file: what stands on the command line, every user of the machine can read.
    writeFileSync(file, this.#configuration());
    const child = spawn(this.program.path, ["-c", file], {
      stdio: ["ignore", "ignore", "pipe"],
      env: markedEnvironment(),
      detached: process.platform !== "win32",
      windowsHide: true,
    });
    watchOver(child);
    this.#process = child;
    this.#ending = false;
    this.#died = undefined;
    this.#log = [];
    let isReady = false;
    this.#exited = new Promise((resolve) => {
      const gone = (why: string) => {
        if (isReady && !this.#ending)
          this.#died = this.#trouble("ended by itself in the middle of a check", why);
        if (this.#process === child) this.#process = undefined;
        resolve();
      };
      child.once("error", ({ message }) => gone(message));
      // Not "exit": its last words have still to be read.
      child.once("close", (code, signal) => gone(String(signal ?? `exit status ${code}`)));
    });
    isReady = await new Promise<boolean>((resolve) => {
      const late = setTimeout(() => resolve(false), readyWithinMs);
      this.#read(child, () => resolve(true));
      void this.#exited.then(() => {
        clearTimeout(late);
        resolve(false);
      });
      late.unref();
    });
    if (isReady) return;
    const why = this.#log.slice(-3).join(" · ") || "it said nothing";
    await this.kill();
    const taken = this.#log.some((line) => line.includes(`:${this.#monitor}: bind: `));
    if (taken && tries > 1) return this.#launch(tries - 1);
    throw this.#trouble("did not start", why);
  }

  #read(child: ChildProcess, onReady: () => void): void {
    let rest = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const words = line.slice(Math.max(0, line.indexOf("[", 1))).trim();
        this.#log = [...this.#log.slice(-50), words];
        if (words.includes("Streaming Server is ready")) onReady();
      }
    });
  }

  #configuration(): string {
    const { url, user } = this.beside;
    const { maxMsgs } = this.settings;
    return [
      'host: "127.0.0.1"',
      "port: -1",
      `http: "127.0.0.1:${this.#monitor}"`,
      "streaming {",
      `  cluster_id: ${this.clusterId}`,
      `  ns: "${user ? url.replace("://", `://${user.user}:${user.pass}@`) : url}"`,
      "  store: file",
      `  dir: ${JSON.stringify(join(this.#folder, "store"))}`,
      ...(maxMsgs === undefined ? [] : [`  store_limits { max_msgs: ${maxMsgs} }`]),
      "}",
      "",
    ].join("\n");
  }

  #trouble(what: string, why: string): EnvironmentTrouble {
    return new EnvironmentTrouble(
      `${this.program.path} (nats-streaming-server ${this.program.version}) ${what}: ${why}`,
      "This is not your program's fault. Run the command again; if it stays, report it.",
    );
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
