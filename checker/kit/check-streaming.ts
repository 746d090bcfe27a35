// The NATS Streaming server of one check. It speaks through the check's nats-server, as its clients do: what they say is recorded there.
import type { ConnectionOptions } from "nats";
import type { Message, Stan, StanOptions } from "node-nats-streaming";
import type { Served } from "../nats/borrowed.ts";
import type { FoundProgram } from "../nats/install/find.ts";
import { type ChannelState, StreamingServer, type StreamingSettings } from "../nats/streaming-server.ts";
import type { Journal } from "../wire/journal.ts";
import { Revived } from "./channel.ts";
import { connectStreaming } from "./streaming-client.ts";

/** The server that it stands beside. */
interface Beside {
  readonly nats: Served;
  readonly journal: Journal;
  /** How a program connects. */
  options(name: string): ConnectionOptions;
}

/** What the timeline calls it. */
const name = "NATS Streaming";

export class CheckStreaming {
  #client: Promise<Stan> | undefined;

  private constructor(
    private readonly streaming: StreamingServer,
    private readonly server: Beside,
  ) {}

  static async start(
    program: FoundProgram,
    server: Beside,
    settings: StreamingSettings,
  ): Promise<CheckStreaming> {
    const { url, user } = server.nats;
    return new CheckStreaming(await StreamingServer.start(program, { url, user }, settings), server);
  }

  /** A client for a program, made in the program's own process and handed to its function. Its name is the client id; the same process gets the same client for it. */
  connection(clientId: string, more: StanOptions = {}): Stan {
    const { clusterId } = this.streaming;
    return new Revived("streaming", {
      ...this.server.options(clientId),
      ...more,
      clusterId,
    }) as unknown as Stan;
  }

  /** Publishes one message after the other, on a connection of the check's own; resolves when all are stored. */
  async publish(channel: string, ...payloads: string[]): Promise<void> {
    const client = await this.#own();
    for (const payload of payloads)
      await new Promise<void>((resolve, reject) => {
        client.publish(channel, payload, (error) => (error ? reject(error) : resolve()));
      });
  }

  /** The payloads that are in a channel, in order. */
  async read(channel: string): Promise<string[]> {
    const { msgs = 0 } = (await this.channel(channel)) ?? {};
    if (msgs === 0) return [];
    const client = await this.#own();
    const subscription = client.subscribe(channel, client.subscriptionOptions().setDeliverAllAvailable());
    const payloads: string[] = [];
    await new Promise<void>((resolve, reject) => {
      subscription.on("error", reject);
      subscription.on("message", (message: Message) => {
        if (payloads.push(String(message.getData())) === msgs) resolve();
      });
    });
    subscription.unsubscribe();
    return payloads;
  }

  /** A channel and its subscriptions, as the server has them now; undefined when there is no such channel. */
  channel(name: string): Promise<ChannelState | undefined> {
    return this.streaming.channel(name);
  }

  /** The power goes: SIGKILL. The nats-server and its connections stay. */
  async kill(): Promise<void> {
    this.server.journal.note({ kind: "server", what: "killed", name });
    await this.streaming.kill();
  }

  /** Starts it again on the same store. */
  async restart(): Promise<void> {
    await this.streaming.restart();
    this.server.journal.note({ kind: "server", what: "restarted", name });
  }

  /** Set when it ended, and nobody of ours ended it. */
  get died() {
    return this.streaming.died;
  }

  async close(): Promise<void> {
    const [own] = await Promise.allSettled([this.#client]);
    if (own?.status === "fulfilled" && own.value) abandon(own.value);
    await this.streaming.close();
  }

  #own(): Promise<Stan> {
    const { host, port, user } = this.server.nats;
    this.#client ??= connectStreaming({
      clusterId: this.streaming.clusterId,
      servers: `${host}:${port}`,
      ...user,
      name: "check",
    });
    return this.#client;
  }
}

/** Closes a client without a goodbye, for which the server would have to be there. It has no method for that. */
function abandon(client: Stan): void {
  const inside = client as unknown as { nc?: { close(): void }; cleanupOnClose(): void };
  inside.cleanupOnClose();
  inside.nc?.close();
}
