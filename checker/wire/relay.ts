// A TCP relay between programs and a server. It passes bytes on untouched, tells the journal what they mean, and can
// break the network on purpose: cut, stall, slow down, or keep chosen messages back.
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import type { WireEvent } from "./events.ts";
import type { Direction } from "./frames.ts";
import type { Journal } from "./journal.ts";
import { type Conditions, type FrameHold, Pipe } from "./pipe.ts";
import { Recorder } from "./recorder.ts";

export interface RelayOptions {
  journal: Journal;
  /** Where the server is now; undefined when it is down: then a connection is reset at once and counted as a refused dial. */
  target: () => { host: string; port: number } | undefined;
}

/** One client's connection, as the relay sees it. */
export interface RelayedConnection {
  /** Its number in the journal. */
  readonly id: number;
  /** From CONNECT; undefined until the client said it, or when it gave none. */
  readonly name: string | undefined;
  readonly user: string | undefined;
  readonly lang: string | undefined;
  /** False from the moment that one side ended it. */
  readonly open: boolean;
  /** False when it is encrypted, or not the NATS protocol. */
  readonly readable: boolean;
}

/** Which connections a fault is for: those of a client name, one, or (undefined) all, with those still to come. */
export type Who = string | RelayedConnection | undefined;
export type Way = Direction | "both";

/** A fault that lasts until it is released. Releasing twice does nothing. */
export interface Fault {
  release(): void;
}

export interface HoldOptions {
  who?: Who;
  /** Hold so many messages and let the others pass. Default: all that the predicate wants. */
  limit?: number;
  /** `hold` (default): passed on at `release`, in order. `drop`: never passed on. */
  mode?: "hold" | "drop";
  /** For the timeline: `the PubAck`. */
  what?: string;
}

export interface Hold extends Fault {
  /** What was kept back so far. */
  readonly events: ReadonlyArray<WireEvent>;
  /** Ends the fault, and throws what was kept back away. */
  drop(): void;
}

interface ActiveFault {
  who: Who;
  way: Way;
  stall?: true;
  bytesPerSecond?: number;
  hold?: FrameHold;
}

export class Relay {
  readonly #options: RelayOptions;
  readonly #server: Server;
  readonly #connections: Connection[] = [];
  readonly #faults = new Set<ActiveFault>();
  #closing: Promise<void> | undefined;

  private constructor(options: RelayOptions) {
    this.#options = options;
    // Half-open: the end of one direction says nothing about the other. Paused: nothing is read before the server is reached.
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (client) =>
      this.#accept(client),
    );
  }

  /**
   * Listens on 127.0.0.1, on a port that the system chooses.
   * @throws the system's error when no port can be had
   */
  static async listen(options: RelayOptions): Promise<Relay> {
    const relay = new Relay(options);
    await new Promise<void>((resolve, reject) => {
      relay.#server.once("error", reject);
      relay.#server.listen(0, "127.0.0.1", () => {
        relay.#server.off("error", reject);
        // Later errors are of single connections (out of file descriptors); the client of one sees it as a refused dial.
        relay.#server.on("error", () => {});
        resolve();
      });
    });
    return relay;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** All connections that reached the server, with those that are over, in order of opening. */
  get connections(): ReadonlyArray<RelayedConnection> {
    this.#options.journal.catchUp();
    return this.#connections;
  }

  /** Whether a client of this name is connected now. */
  isConnected(name: string): boolean {
    return this.connections.some((connection) => connection.open && connection.name === name);
  }

  /** Resets both sides of the open connections at once. Clients may connect again. */
  cut(who?: Who): void {
    this.#note("cut", who);
    for (const connection of this.#connections)
      if (connection.open && concerns(who, connection)) connection.cut();
  }

  /**
   * Holds all bytes back from now on, with those that were read and not passed on yet; TCP stays open, and also the end of
   * a connection is held back. Holds for connections still to come, too. A client of a given name is stalled from its
   * CONNECT on.
   */
  stall(who?: Who, way: Way = "both"): Fault {
    return this.#fault("stall", { who, way, stall: true }, way === "both" ? undefined : ways[way]);
  }

  /** Passes on at most so many bytes a second each way and connection, until it is released. */
  slow(who: Who, bytesPerSecond: number, way: Way = "both"): Fault {
    if (!(bytesPerSecond > 0))
      throw new RangeError(
        `A network passes more than ${bytesPerSecond} bytes a second. To stop it, use stall.`,
      );
    return this.#fault("slow", { who, way, bytesPerSecond }, `${bytesPerSecond} bytes a second`);
  }

  /**
   * Keeps back the protocol messages whose events the predicate wants, and lets all others pass them:
   * `hold(is("puback"), { who: "publisher", limit: 1 })`. A message of which the first bytes were passed on before is not
   * kept. To choose, the relay takes in whole messages, so large ones leave later than without a hold.
   */
  hold(predicate: (event: WireEvent) => boolean, options: HoldOptions = {}): Hold {
    const { who, limit = Number.POSITIVE_INFINITY, mode = "hold", what } = options;
    const events: WireEvent[] = [];
    const kept = mode === "hold" ? "held" : "dropped";
    const frameHold: FrameHold = {
      decide: (event, _frame, connection) => {
        if (!event || events.length >= limit || !concerns(who, connection)) return undefined;
        if (!predicate(event)) return undefined;
        events.push(event);
        return kept;
      },
    };
    const active: ActiveFault = { who, way: "both", hold: frameHold };
    const fault = this.#fault(mode === "hold" ? "hold" : "lose", active, what, () => {
      for (const connection of this.#connections) connection.release(frameHold);
    });
    return {
      events,
      release: fault.release,
      drop: () => {
        for (const connection of this.#connections) connection.release(frameHold, true);
        for (const event of events) event.kept = "dropped";
        fault.release();
      },
    };
  }

  #fault(
    what: "stall" | "slow" | "hold" | "lose",
    fault: ActiveFault,
    detail?: string,
    onRelease = () => {},
  ): Fault {
    this.#faults.add(fault);
    // The faults act before they are noted: what follows the note in the journal was under their power.
    this.#refresh();
    this.#note(what, fault.who, detail);
    return {
      release: () => {
        if (!this.#faults.delete(fault)) return;
        this.#note("release", fault.who, detail);
        onRelease();
        this.#refresh();
      },
    };
  }

  #note(what: "cut" | "stall" | "slow" | "hold" | "lose" | "release", who: Who, detail?: string): void {
    const name = typeof who === "object" ? (who.name ?? `connection ${who.id}`) : who;
    this.#options.journal.note({ kind: "fault", what, who: name, detail });
  }

  #refresh(): void {
    for (const connection of this.#connections)
      connection.set((direction) => this.#conditions(connection, direction));
  }

  #conditions(connection: Connection, direction: Direction): Conditions {
    const conditions: Conditions = { stalled: false, bytesPerSecond: undefined, holds: [], readFirst: false };
    for (const fault of this.#faults) {
      // Which client it is, is not known before CONNECT. A hold asks at each message.
      const later = typeof fault.who === "string" && !connection.introduced;
      if (fault.hold && (later || concerns(fault.who, connection))) conditions.holds.push(fault.hold);
      if (later) conditions.readFirst = true;
      if (later || !concerns(fault.who, connection) || (fault.way !== "both" && fault.way !== direction))
        continue;
      if (fault.stall) conditions.stalled = true;
      if (fault.bytesPerSecond !== undefined) {
        conditions.bytesPerSecond = Math.min(
          fault.bytesPerSecond,
          conditions.bytesPerSecond ?? Number.POSITIVE_INFINITY,
        );
      }
    }
    return conditions;
  }

  #accept(client: Socket): void {
    const { journal, target } = this.#options;
    client.on("error", () => {});
    const refuse = () => {
      new Recorder(journal).dialled(false);
      client.resetAndDestroy();
    };
    const address = target();
    if (!address || this.#closing) {
      refuse();
      return;
    }
    const server = connect({ ...address, allowHalfOpen: true, noDelay: true });
    server.once("error", refuse);
    server.once("connect", () => {
      server.off("error", refuse);
      if (client.destroyed || this.#closing) {
        server.resetAndDestroy();
        client.resetAndDestroy();
        return;
      }
      const connection: Connection = new Connection(journal, client, server, () =>
        connection.set((direction) => this.#conditions(connection, direction)),
      );
      this.#connections.push(connection);
      connection.set((direction) => this.#conditions(connection, direction));
    });
  }

  /** Breaks all connections off and stops listening. Resolves when the port is free. */
  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#faults.clear();
      for (const connection of this.#connections) connection.destroy();
    });
    return this.#closing;
  }
}

const ways = { toServer: "to the server", toClient: "to the client" };

function concerns(who: Who, connection: { id: number; name: string | undefined }): boolean {
  if (who === undefined) return true;
  return typeof who === "string" ? connection.name === who : connection.id === who.id;
}

/** Both sockets of a client's connection. */
class Connection implements RelayedConnection {
  readonly #recorder: Recorder;
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #pipes: Pipe[];
  #open = true;

  constructor(journal: Journal, client: Socket, server: Socket, onIntroduced: () => void) {
    this.#client = client;
    this.#server = server;
    this.#recorder = new Recorder(journal, onIntroduced);
    this.#recorder.dialled(true);
    const toServer = new Pipe("toServer", client, server, this.#recorder);
    const toClient = new Pipe("toClient", server, client, this.#recorder);
    this.#pipes = [toServer, toClient];
    this.#watch(client, "client", toServer);
    this.#watch(server, "server", toClient);
  }

  get id(): number {
    return this.#recorder.id;
  }
  get name(): string | undefined {
    return this.#recorder.name;
  }
  get user(): string | undefined {
    return this.#recorder.user;
  }
  get lang(): string | undefined {
    return this.#recorder.lang;
  }
  get readable(): boolean {
    return this.#recorder.readable;
  }
  get open(): boolean {
    return this.#open;
  }
  /** Whether the client has said its name. */
  get introduced(): boolean {
    return this.#recorder.introduced;
  }

  /** What one side does to its end of the connection, the other is to see. */
  #watch(socket: Socket, side: "client" | "server", pipe: Pipe): void {
    let ended = false;
    const gone = (how: "end" | "reset") => {
      if (this.#open) {
        this.#open = false;
        this.#recorder.disconnected(side, how);
      }
      ended = true;
      pipe.ended(how);
    };
    socket.on("end", () => gone("end"));
    socket.on("error", () => gone("reset"));
    // Closed without an end that was passed on: broken off.
    socket.on("close", () => {
      if (!ended) gone("reset");
    });
  }

  set(conditions: (direction: Direction) => Conditions): void {
    for (const pipe of this.#pipes) pipe.set(conditions(pipe.direction));
  }

  release(hold: FrameHold, forget = false): void {
    for (const pipe of this.#pipes) pipe.release(hold, forget);
  }

  cut(): void {
    this.#open = false;
    this.#recorder.disconnected("fault", "reset");
    this.destroy();
  }

  destroy(): void {
    this.#open = false;
    for (const pipe of this.#pipes) pipe.destroy();
    this.#client.resetAndDestroy();
    this.#server.resetAndDestroy();
  }
}
