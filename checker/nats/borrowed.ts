// A server of the person's own, named by NATS_URL, for checks that do it no harm: each borrows an account that is there for the checker
// alone. Nothing is ever deleted that was there before.
import { connect, type JetStreamManager, type NatsConnection, nanos, StorageType } from "nats";
import type { EnvironmentTrouble } from "../course/errors.ts";
import type { Credentials, ServerSettings } from "./server.ts";

/** What a check needs of its server: one of its own, or a borrowed one. */
export interface Served {
  readonly program: { readonly version: string };
  readonly settings: ServerSettings;
  readonly host: string;
  readonly port: number;
  readonly url: string;
  readonly running: boolean;
  readonly user: Credentials;
  /** It went away by itself: what a check saw then is nobody's fault. */
  readonly lost?: boolean;
  /** As `lost`, of a server of the run's own: what to tell of it. */
  readonly died?: EnvironmentTrouble | undefined;
  kill(): Promise<void>;
  restart(): Promise<void>;
  pause(): void;
  resume(): void;
  setAccounts(text: string): Promise<string | undefined>;
  monitor<T = Record<string, unknown>>(path: string): Promise<T>;
  close(): Promise<void>;
}

/** The check wants something that nobody does to a borrowed server. It must be played again on one of its own. */
export class NeedsOwnServer extends Error {
  override readonly name = "NeedsOwnServer";
}

/** As docker/hub.conf has them: accounts for checks, and one in which those in use are noted. */
const accounts = 8;
const claims: Credentials = { user: "claims", pass: "claims" };
const accountUser = (no: number): Credentials => ({ user: `check-${no}`, pass: "check" });
/** A note of a run that was killed is gone after this. No check takes as long. */
const claimMs = 15 * 60_000;
const patienceMs = 5_000;

export class BorrowedServer implements Served {
  readonly settings: ServerSettings = {};
  readonly running = true;
  readonly program: { readonly version: string };

  private constructor(
    readonly host: string,
    readonly port: number,
    readonly user: Credentials,
    private readonly claim: { manager: JetStreamManager; seq: number },
    private readonly own: { manager: JetStreamManager; nc: NatsConnection },
  ) {
    this.program = { version: own.nc.info?.version ?? "0.0.0" };
  }

  /**
   * Borrows an account of the server.
   * @returns why none can be had, in words that go on after "because"
   */
  static async borrow(address: string): Promise<BorrowedServer | string> {
    let url: URL;
    try {
      url = new URL(address.includes("://") ? address : `nats://${address}`);
    } catch {
      return "that is no address";
    }
    const host = url.hostname;
    const port = Number(url.port || 4222);
    if (url.protocol !== "nats:") return "only addresses that begin with nats:// can be used";
    try {
      const manager = await claimManager(host, port);
      for (let no = 1; no <= accounts; no++) {
        const borrowed = await BorrowedServer.#take(host, port, no, manager);
        if (borrowed) return borrowed;
      }
      return `its ${accounts} accounts for checks are in use, or not empty`;
    } catch (error) {
      // Whoever has let us in until now can only be asked again.
      managers.delete(`${host}:${port}`);
      return `it does not have the users of docker/hub.conf, or does not answer (${(error as Error).message})`;
    }
  }

  static async #take(
    host: string,
    port: number,
    no: number,
    claim: JetStreamManager,
  ): Promise<BorrowedServer | undefined> {
    let seq: number;
    try {
      const ack = await claim.jetstream().publish(`claim.${no}`, "", { expect: { lastSubjectSequence: 0 } });
      seq = ack.seq;
    } catch (error) {
      const taken = 10_071;
      if ((error as { api_error?: { err_code: number } }).api_error?.err_code === taken) return undefined;
      throw error;
    }
    const user = accountUser(no);
    const nc = await dial(host, port, user);
    const manager = await nc.jetstreamManager({ timeout: patienceMs });
    const { streams } = await manager.getAccountInfo();
    if (streams === 0) return new BorrowedServer(host, port, user, { manager: claim, seq }, { manager, nc });
    await nc.close();
    await claim.streams.deleteMessage("CLAIMS", seq);
    return undefined;
  }

  get url(): string {
    return `nats://${this.host}:${this.port}`;
  }

  get lost(): boolean {
    return this.own.nc.isClosed();
  }

  async kill(): Promise<void> {
    throw new NeedsOwnServer("kill");
  }

  async restart(): Promise<void> {
    throw new NeedsOwnServer("restart");
  }

  pause(): void {
    throw new NeedsOwnServer("pause");
  }

  resume(): void {}

  async setAccounts(): Promise<string | undefined> {
    throw new NeedsOwnServer("setAccounts");
  }

  async monitor<T>(): Promise<T> {
    throw new NeedsOwnServer("monitor");
  }

  /** The account was empty when it was borrowed: what is in it now came with the check. */
  async close(): Promise<void> {
    try {
      for await (const { config } of this.own.manager.streams.list()) {
        await this.own.manager.streams.delete(config.name);
      }
      await this.own.nc.close();
      await this.claim.manager.streams.deleteMessage("CLAIMS", this.claim.seq);
    } catch (error) {
      // A server that is gone is emptied by nobody; its accounts are left alone as long as there is something in them.
      if (!this.lost) throw error;
    }
  }
}

/** One connection for all claims of a run. It keeps no process alive and ends with it. */
const managers = new Map<string, Promise<JetStreamManager>>();

function claimManager(host: string, port: number): Promise<JetStreamManager> {
  const key = `${host}:${port}`;
  const known = managers.get(key) ?? openClaims(host, port);
  managers.set(key, known);
  return known;
}

async function openClaims(host: string, port: number): Promise<JetStreamManager> {
  const nc = await dial(host, port, claims);
  if (!nc.info?.auth_required) {
    await nc.close();
    throw new Error("it lets everybody in, to one account");
  }
  const manager = await nc.jetstreamManager({ timeout: patienceMs });
  await manager.streams.add({
    name: "CLAIMS",
    subjects: ["claim.*"],
    storage: StorageType.Memory,
    max_age: nanos(claimMs),
    max_msgs_per_subject: 1,
  });
  return manager;
}

function dial(host: string, port: number, user: Credentials): Promise<NatsConnection> {
  return connect({
    servers: `${host}:${port}`,
    ...user,
    name: "learn-nats check",
    timeout: patienceMs,
    reconnect: false,
    // The server may know itself by addresses that lead elsewhere from here.
    ignoreClusterUpdates: true,
  });
}
