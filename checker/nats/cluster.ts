// Servers that form one cluster: a stream may have replicas on several, and goes on when one of them is gone.
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { connect, type NatsError, StorageType } from "nats";
import { EnvironmentTrouble } from "../course/errors.ts";
import type { FoundProgram } from "./install/find.ts";
import {
  answerWithinS,
  type Credentials,
  NatsServer,
  randomCredentials,
  type ServerSettings,
  secret,
} from "./server.ts";

export interface ClusterSettings
  extends Omit<ServerSettings, "port" | "name" | "user" | "system" | "routes"> {
  /** How many servers. JetStream wants an odd number. Default 3. */
  readonly size?: number;
  /** For each server the address that clients are told, where it is not the one that it listens at. */
  readonly advertise?: readonly string[] | undefined;
}

/** How long the servers may take to agree on a leader; it takes about two seconds on an idle machine. */
const formedWithinMs = 60_000;
const askAgainMs = 20;
/** For one answer of JetStream; one that does not come is asked for again. */
const answerMs = 1_000;
/** The stream that shows that a new cluster works. */
const probe = "FORMED";
const streamNotFound = 10_059;

/** What `/jsz` says of JetStream's own cluster. Source: nats-server, server/monitor.go, `JSInfo`. */
interface JetStreamMonitor {
  readonly meta_cluster?: { readonly leader?: string; readonly cluster_size: number };
  readonly account_details?: readonly {
    readonly stream_detail?: readonly (Replicated & { readonly consumer_detail?: readonly Replicated[] })[];
  }[];
}

/** A stream or a consumer. */
interface Replicated {
  readonly name: string;
  readonly cluster?: {
    readonly leader?: string;
    readonly replicas?: readonly { readonly name: string; readonly current: boolean }[];
  };
}

export class NatsCluster {
  private constructor(readonly nodes: readonly NatsServer[]) {}

  /**
   * Starts the servers `hub-1`, `hub-2`, …, and waits until they have found each other and, with JetStream, make streams.
   * They share their credentials. Any of them may be killed, frozen and restarted on its own.
   * @throws EnvironmentTrouble when they do not start, or do not agree within a minute
   */
  static async start(
    program: FoundProgram,
    { size = 3, advertise, ...settings }: ClusterSettings = {},
  ): Promise<NatsCluster> {
    const ports = await freePorts(size);
    const credentials = randomCredentials();
    const routes = { user: "route", pass: secret() };
    const started = await Promise.allSettled(
      ports.map((port, index) =>
        NatsServer.start(program, {
          ...settings,
          ...credentials,
          name: `hub-${index + 1}`,
          routes: { port, config: (port) => clusterBlock(port, ports, routes) },
          config: [
            ...(advertise ? [`client_advertise: "${advertise[index]}"`] : []),
            settings.config ?? "",
          ].join("\n"),
        }),
      ),
    );
    const nodes = started.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
    const cluster = new NatsCluster(nodes);
    try {
      const failed = started.find((each) => each.status === "rejected");
      if (failed) throw failed.reason;
      await cluster.formed();
      if (settings.jetstream !== false) await cluster.#makesStreams();
      return cluster;
    } catch (error) {
      await cluster.close();
      throw error;
    }
  }

  /** Where clients connect: all that run. */
  get urls(): string[] {
    return this.nodes.filter((node) => node.running).map((node) => node.url);
  }

  /** The server of that name. */
  node(name: string): NatsServer {
    const found = this.nodes.find((node) => node.settings.name === name);
    if (!found) throw new Error(`There is no server ${name} in this cluster.`);
    return found;
  }

  /**
   * Waits until every server that runs is connected to the others, healthy and, with JetStream, knows the same leader.
   * @throws EnvironmentTrouble when that takes over a minute
   */
  async formed(): Promise<void> {
    await this.#until(() => this.#agree(), "did not form a cluster");
  }

  /** The server that leads JetStream's own group, which places streams; undefined while there is none. */
  async metaLeader(): Promise<NatsServer | undefined> {
    return this.#named(await this.#ask("", ({ meta_cluster: meta }) => meta?.leader));
  }

  /** The server that takes the messages of a stream, or hands out those of its consumer; undefined while there is none. */
  async streamLeader(stream: string, consumer?: string): Promise<NatsServer | undefined> {
    const named = (wanted: string) => (each: Replicated) => each.name === wanted;
    const leader = await this.#ask("?accounts=1&streams=1&consumers=1", ({ account_details: accounts }) => {
      const found = accounts?.flatMap((account) => account.stream_detail ?? []).find(named(stream));
      const led = consumer === undefined ? found : found?.consumer_detail?.find(named(consumer));
      return led?.cluster?.leader;
    });
    return this.#named(leader);
  }

  /** Kills all and removes their folders. */
  async close(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.close()));
  }

  /** @throws EnvironmentTrouble when it takes over a minute */
  async #until(what: () => Promise<boolean>, whyNot: string): Promise<void> {
    for (const end = performance.now() + formedWithinMs; !(await what()); await sleep(askAgainMs)) {
      if (performance.now() > end) {
        throw new EnvironmentTrouble(
          `${this.nodes.length} nats-servers ${whyNot} within ${formedWithinMs / 1_000} s: ${this.nodes.map((node) => node.log.at(-1) ?? "no log").join(" · ")}`,
          "Close other programs and try again; `npm run doctor` shows which server is used.",
        );
      }
    }
  }

  /**
   * Makes a stream with a copy on every server, and takes it away again. To know their leader is not enough: one that was just chosen may
   * leave a request without an answer, and it gives no copy to a server whose figures it has not heard yet.
   */
  async #makesStreams(): Promise<void> {
    const [{ url, user }] = this.nodes as [NatsServer];
    const nc = await connect({ servers: url, ...user, ignoreClusterUpdates: true, reconnect: false }).catch(
      (error: NatsError) => {
        // Whoever gave the servers accounts of their own knows who may ask.
        if (error.isAuthError()) return undefined;
        throw error;
      },
    );
    if (!nc) return;
    try {
      const { streams } = await nc.jetstreamManager({ timeout: answerMs, checkAPI: false });
      const wanted = { name: probe, storage: StorageType.Memory, num_replicas: this.nodes.length };
      const isMade = () =>
        streams.add(wanted).then(
          () => true,
          () => false,
        );
      await this.#until(isMade, "made no stream");
      const isGone = () =>
        streams.delete(probe).catch((error: NatsError) => error.api_error?.err_code === streamNotFound);
      await this.#until(isGone, "did not take a stream away");
    } finally {
      await nc.close();
    }
  }

  #named(name: string | undefined): NatsServer | undefined {
    return this.#awake().find((node) => node.settings.name === name);
  }

  #awake(): NatsServer[] {
    return this.nodes.filter((node) => node.running && !node.paused);
  }

  /** What the first server knows that knows it: a stream is known to those that have it. */
  async #ask<T>(query: string, look: (monitor: JetStreamMonitor) => T | undefined): Promise<T | undefined> {
    for (const node of this.#awake()) {
      try {
        const known = look(await node.monitor<JetStreamMonitor>(`jsz${query}`));
        if (known !== undefined) return known;
      } catch {
        // It was killed as we asked.
      }
    }
    return undefined;
  }

  async #agree(): Promise<boolean> {
    const nodes = this.#awake();
    try {
      const seen = await Promise.all(
        nodes.map(async (node) => {
          const { routes = [] } = await node.monitor<{ routes?: { remote_name?: string }[] }>("routez");
          if (new Set(routes.map((route) => route.remote_name)).size < nodes.length - 1) return undefined;
          if (node.settings.jetstream === false) return "no JetStream";
          const { status } = await node.monitor<{ status: string }>("healthz");
          const { meta_cluster: meta } = await node.monitor<JetStreamMonitor>("jsz");
          return status === "ok" && meta?.cluster_size === this.nodes.length ? meta.leader : undefined;
        }),
      );
      return seen.every((leader) => leader && leader === seen[0]);
    } catch {
      return false;
    }
  }
}

/**
 * How a server finds the others. A password, which only they know, keeps clusters apart: the port of one that was killed may be the next
 * one's, and those that are left call there until their own is back. Without it two hubs became one, and both took the same message.
 * @param port its own
 * @param ports of all
 */
function clusterBlock(port: number, ports: readonly number[], { user, pass }: Credentials): string {
  const routes = ports.map((each) => `"nats://${user}:${pass}@127.0.0.1:${each}"`).join(", ");
  return `cluster {
  name: hubs
  listen: "127.0.0.1:${port}"
  authorization { user: ${user}, password: "${pass}", timeout: ${answerWithinS} }
  routes: [ ${routes} ]
}`;
}

/** Ports that are free now, all different: the system chooses, and they are given back together. */
async function freePorts(count: number): Promise<number[]> {
  const held = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<{ port: number; release(): Promise<void> }>((resolve, reject) => {
          const server = createServer();
          server.once("error", reject);
          server.listen(0, "127.0.0.1", () => {
            const address = server.address();
            if (address === null || typeof address === "string")
              return reject(new Error("A TCP port was expected."));
            resolve({
              port: address.port,
              release: () => new Promise((done) => server.close(() => done())),
            });
          });
        }),
    ),
  );
  await Promise.all(held.map((each) => each.release()));
  return held.map(({ port }) => port);
}
