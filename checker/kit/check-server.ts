// The server of one check, with a relay before it that records what programs say, and faults to put it through.
import {
  type ConnectionOptions,
  connect,
  type JetStreamClient,
  type JetStreamManager,
  type NatsConnection,
} from "nats";
import { EnvironmentTrouble } from "../course/errors.ts";
import type { Served } from "../nats/borrowed.ts";
import type { FoundProgram } from "../nats/install/find.ts";
import type { StreamingSettings } from "../nats/streaming-server.ts";
import type { ServerEvent } from "../wire/events.ts";
import { Journal } from "../wire/journal.ts";
import { Relay } from "../wire/relay.ts";
import { Revived } from "./channel.ts";
import { CheckStreaming } from "./check-streaming.ts";
import { CannotCheck } from "./finding.ts";
import { type Lab, type Playing, playLab } from "./lab.ts";

/** Milliseconds between two tries of the check's own connection to a server that is away. */
const reconnectTimeWait = 20;

/** How long the check's own connections and calls may take, however busy the machine is: they are no part of what it measures. */
const apiMs = 30_000;

/** The servers of all checks that run now. */
const open = new Set<CheckServer>();

/** Whether the server of another check listens at this port. */
export function isForeign(port: number, own: CheckServer): boolean {
  return [...open].some((each) => each.sight !== own.sight && each.listensAt(port));
}

/** What a check sees of its programs; one for all servers of a check. */
export class Sight {
  /** Set while a belief is judged: what it cannot see, it does not find. */
  judging = false;
  /** What a check asked for and cannot have in a run without the recorder. */
  denied: CannotCheck | undefined;

  constructor(
    /** Where the kit writes down what it does. */
    readonly journal = new Journal(),
    /** False when programs connect to the server itself, so that nothing of what they say is seen. */
    readonly recorded = true,
  ) {}

  deny(why: string): never {
    const denied = new CannotCheck(`cannot do without the recorder: ${why}`);
    if (!this.judging) this.denied ??= denied;
    throw denied;
  }
}

/** A relay before a server, which may be started later. */
export function relayTo(server: () => Served | undefined, { journal }: Sight): Promise<Relay> {
  return Relay.listen({
    journal,
    target: () => {
      const { running = false, host = "", port = 0 } = server() ?? {};
      return running ? { host, port } : undefined;
    },
  });
}

export class CheckServer {
  #connection: Promise<NatsConnection> | undefined;
  #others: NatsConnection[] = [];
  #playing: Playing[] = [];
  #streaming: CheckStreaming | undefined;

  readonly #relay: Relay;

  /** @param name which one it is, in a cluster */
  constructor(
    readonly nats: Served,
    readonly sight: Sight,
    relay: Relay,
    readonly name?: string,
  ) {
    this.#relay = relay;
    open.add(this);
  }

  /** Where the kit writes down what it does. */
  get journal(): Journal {
    return this.sight.journal;
  }

  /** What was said on the wire. */
  get wire(): Journal {
    if (!this.sight.recorded) this.sight.deny("it reads the wire");
    return this.journal;
  }

  /** Between programs and server: cut, stall or slow their connections here. */
  get relay(): Relay {
    if (!this.sight.recorded) this.sight.deny("it breaks connections");
    return this.#relay;
  }

  /** What only the recorder can tell, where a check can do without: then it takes `blind` for it. */
  seen<T>(look: (wire: Journal) => T, blind: T): T {
    return this.sight.recorded ? look(this.journal) : blind;
  }

  static async start(server: Served, sight = new Sight()): Promise<CheckServer> {
    return new CheckServer(server, sight, await relayTo(() => server, sight));
  }

  /** Starts a NATS Streaming server beside it. */
  async addStreaming(program: FoundProgram, settings: StreamingSettings): Promise<void> {
    this.#streaming = await CheckStreaming.start(program, this, settings);
  }

  /** The NATS Streaming server of a check that asks for one. */
  get streaming(): CheckStreaming {
    if (!this.#streaming) throw new Error("A check that uses NATS Streaming says so: streaming.");
    return this.#streaming;
  }

  /** Set when a server ended that nobody of ours ended. */
  get died(): EnvironmentTrouble | undefined {
    return this.nats.died ?? this.#streaming?.died;
  }

  listensAt(port: number): boolean {
    return this.#relay.port === port || this.nats.port === port;
  }

  get version(): string {
    return this.nats.program.version;
  }

  /** Where programs connect. */
  get address(): string {
    return `127.0.0.1:${this.sight.recorded ? this.#relay.port : this.nats.port}`;
  }

  /** What a program needs to connect: address, user and the name that the timeline shows. */
  options(name: string, more: ConnectionOptions = {}): ConnectionOptions {
    return {
      servers: this.address,
      ...this.nats.user,
      name,
      ...more,
    };
  }

  /** A connection for a program, made in the program's own process and handed to its function. */
  connection(name: string, more: ConnectionOptions = {}): NatsConnection {
    return new Revived("connection", this.options(name, more)) as unknown as NatsConnection;
  }

  /** The check's own connection; not through the relay, so that no fault touches it. */
  client(): Promise<NatsConnection> {
    this.#connection ??= this.connect("check");
    return this.#connection;
  }

  /** One more connection of the check's own, for an actor of the scene. `recorded`: through the relay, and so in the timeline. */
  async connect(
    name: string,
    { recorded = false, ...more }: ConnectionOptions & { recorded?: boolean } = {},
  ): Promise<NatsConnection> {
    const nc = await connect({
      ...(recorded ? this.options(name) : { servers: this.nats.url, ...this.nats.user, name }),
      timeout: apiMs,
      maxReconnectAttempts: -1,
      reconnectTimeWait,
      reconnectJitter: 0,
      ...more,
    });
    this.#others.push(nc);
    return nc;
  }

  async jetstream(): Promise<JetStreamClient> {
    return (await this.client()).jetstream({ timeout: apiMs });
  }

  async manager(): Promise<JetStreamManager> {
    return (await this.client()).jetstreamManager({ timeout: apiMs });
  }

  /** Writes down what happens to this server. */
  note(what: ServerEvent["what"]): void {
    const node = this.name !== undefined && ({ name: this.name, inCluster: true } as const);
    this.journal.note({ kind: "server", what, ...node });
  }

  /** The power goes: SIGKILL. */
  async kill(): Promise<void> {
    this.note("killed");
    await this.nats.kill();
  }

  /** Starts it again on the same store; clients find it at the same address. Resolves when the check's own connection is back too. */
  async restart(): Promise<void> {
    const { url } = this.nats;
    await this.nats.restart();
    this.note("restarted");
    // Programs go through the relay and find it; connections of the check's own would dial the old port for ever.
    if (this.nats.url !== url && (this.#connection || this.#others.length > 0))
      throw new EnvironmentTrouble(
        `Another program took the port of ${url} while a check had its server down.`,
        "This is not your program's fault. Run the command again.",
      );
    if (this.#connection) await this.back(await this.#connection);
  }

  /** Resolves when a connection of the check's own works again after a fault. */
  async back(nc: NatsConnection): Promise<void> {
    for (;;) {
      try {
        await nc.flush();
        return;
      } catch {
        if (nc.isClosed()) return;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
  }

  /**
   * Replaces the accounts of a server that was started with `accounts`, while it runs.
   * @returns what the server says when it does not take them
   */
  async setAccounts(text: string): Promise<string | undefined> {
    const whyNot = await this.nats.setAccounts(text);
    // Before anybody was there, it is no news.
    if (whyNot === undefined && this.journal.events.length > 0)
      this.journal.note({ kind: "note", text: "the hub reads its accounts again" });
    return whyNot;
  }

  /** Freezes the server: connections stay open, nothing is answered. On Windows its connections are stalled instead. */
  pause(): void {
    this.note("paused");
    if (process.platform === "win32") this.#stalled = this.#relay.stall();
    else this.nats.pause();
  }

  resume(): void {
    this.#stalled?.release();
    this.#stalled = undefined;
    if (process.platform !== "win32") this.nats.resume();
    this.note("resumed");
  }

  /**
   * True when the server has worked off all that clients of this name sent, and they are gone. The server reads a
   * connection to its end before it forgets it, so that what is not there now will never come.
   */
  async hasLeft(name: string): Promise<boolean> {
    const { connections } = await this.nats.monitor<{ connections?: { name?: string }[] }>(
      "connz?limit=1024",
    );
    return !(connections ?? []).some((connection) => connection.name === name);
  }

  /** Plays the scene of a lab here, until the check is over. */
  async play(lab: Lab, seed: number): Promise<void> {
    this.#playing.push(await playLab(lab, seed, (name, more) => this.connect(name, more)));
  }

  /** No check uses it any more. */
  retire(): void {
    open.delete(this);
  }

  async close(): Promise<void> {
    this.retire();
    const own = await Promise.allSettled([this.#connection ?? undefined]);
    this.nats.resume();
    await Promise.allSettled(this.#playing.map((scene) => scene.end()));
    await Promise.allSettled(
      [
        ...this.#others,
        ...own.flatMap((each) => (each.status === "fulfilled" && each.value ? [each.value] : [])),
      ].map((nc) => nc.close()),
    );
    await this.#streaming?.close();
    await this.#relay.close();
    await this.nats.close();
  }

  #stalled: { release(): void } | undefined;
}
