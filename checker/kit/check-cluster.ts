// The cluster of one check: servers that each have a relay before them, so that what programs say to any of them is recorded.
import { setTimeout as sleep } from "node:timers/promises";
import type { ConnectionOptions, NatsConnection } from "nats";
import { NatsCluster } from "../nats/cluster.ts";
import type { FoundProgram } from "../nats/install/find.ts";
import type { NatsServer, ServerSettings } from "../nats/server.ts";
import { Revived } from "./channel.ts";
import { CheckServer, relayTo, type Sight } from "./check-server.ts";

/** How often it is asked who leads, in milliseconds. */
const askAgainMs = 20;

/** Where a program's list of servers begins. */
export interface ClusterOptions extends ConnectionOptions {
  readonly first?: CheckServer;
}

export class CheckCluster {
  private constructor(
    readonly nodes: readonly [CheckServer, ...CheckServer[]],
    private readonly nats: NatsCluster,
  ) {}

  /** The servers tell clients the addresses of the relays, so that a program which learns of another node is seen there, too. */
  static async start(
    program: FoundProgram,
    size: number,
    settings: ServerSettings,
    sight: Sight,
  ): Promise<CheckCluster> {
    let started: readonly NatsServer[] = [];
    const relays = await Promise.all(
      Array.from({ length: size }, (_, index) => relayTo(() => started[index], sight)),
    );
    try {
      const advertise = sight.recorded ? relays.map(({ port }) => `127.0.0.1:${port}`) : undefined;
      const nats = await NatsCluster.start(program, { ...settings, size, advertise });
      started = nats.nodes;
      const nodes = relays.map((relay, index) => {
        const server = started[index] as NatsServer;
        return new CheckServer(server, sight, relay, server.settings.name);
      });
      return new CheckCluster(nodes as [CheckServer, ...CheckServer[]], nats);
    } catch (error) {
      await Promise.all(relays.map((relay) => relay.close()));
      throw error;
    }
  }

  /** What a program needs to connect: the addresses of all nodes, tried in this order, user and name. */
  options(name: string, { first, ...more }: ClusterOptions = {}): ConnectionOptions {
    const servers = [...(first ? [first] : []), ...this.others(first)].map(({ address }) => address);
    return this.nodes[0].options(name, { servers, noRandomize: true, ...more });
  }

  /** A connection for a program, made in the program's own process and handed to its function. It comes back after each fault. */
  connection(name: string, more: ClusterOptions = {}): NatsConnection {
    const patient = { maxReconnectAttempts: -1, reconnectTimeWait: 100 };
    return new Revived(
      "connection",
      this.options(name, { ...patient, ...more }),
    ) as unknown as NatsConnection;
  }

  /** All nodes but these. */
  others(...these: readonly (CheckServer | undefined)[]): CheckServer[] {
    return this.nodes.filter((node) => !these.includes(node));
  }

  /** The node of this name. */
  node(name: string | undefined): CheckServer | undefined {
    return this.nodes.find((node) => node.name === name);
  }

  /** The node that takes the messages of a stream, or hands out those of its consumer; undefined while there is none. */
  async leaderOf(stream: string, consumer?: string): Promise<CheckServer | undefined> {
    return this.node((await this.nats.streamLeader(stream, consumer))?.settings.name);
  }

  /** The node that places streams and answers most of the API; undefined while there is none. */
  async metaLeader(): Promise<CheckServer | undefined> {
    return this.node((await this.nats.metaLeader())?.settings.name);
  }

  /** The nodes that a client is connected to now. */
  nodesOf(client: string): CheckServer[] {
    return this.nodes.filter((node) => node.relay.isConnected(client));
  }

  /** Waits until all nodes that run know each other again. */
  async formed(): Promise<void> {
    await this.nats.formed();
  }

  /**
   * Has the leader of a stream, or of one of its consumers, give its leadership up; resolves when another node leads.
   * @param by a node that answers
   */
  async stepDown(by: CheckServer, stream: string, consumer?: string): Promise<void> {
    const nc = await by.client();
    const leader = () => this.leaderOf(stream, consumer);
    const old = await leader();
    old?.note("stepdown");
    const about = [consumer ? "CONSUMER" : "STREAM", "LEADER.STEPDOWN", stream, consumer].filter(Boolean);
    for (let now = old; !now || now === old; now = await leader()) {
      // Nobody answers while there is no leader.
      if (now) await nc.request(`$JS.API.${about.join(".")}`, "", { timeout: 1_000 }).catch(() => {});
      await sleep(askAgainMs);
    }
  }
}
