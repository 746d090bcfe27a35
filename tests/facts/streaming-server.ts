// A real NATS Streaming server for tests of what the lessons say about it, and its clients.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import stan, {
  type Message,
  type Stan,
  type StanOptions,
  type SubscriptionOptions,
} from "node-nats-streaming";
import { findProgram } from "../../checker/nats/install/find.ts";
import { markedEnvironment, removeFolder, temporaryFolder, watchOver } from "../../checker/nats/reaper.ts";

const cluster = "carrier";

export class StreamingServer {
  readonly #clients: Stan[] = [];
  #child: ChildProcess | undefined;
  url = "";

  private constructor(readonly folder: string) {}

  /** @param flags of the server's own command line, such as `--max_msgs 3` */
  static async start(...flags: string[]): Promise<StreamingServer> {
    const server = new StreamingServer(temporaryFolder("streaming"));
    const { path } = await findProgram("nats-streaming-server");
    const store = ["--store", "file", "--dir", server.folder];
    const child = spawn(path, ["-cid", cluster, "-a", "127.0.0.1", "-p", "-1", ...store, ...flags], {
      stdio: ["ignore", "ignore", "pipe"],
      env: markedEnvironment(),
    });
    watchOver(child);
    server.#child = child;
    await new Promise<void>((resolve, reject) => {
      let log = "";
      child.once("exit", () => reject(new Error(`nats-streaming-server did not start:\n${log}`)));
      // It is read to the end: a server whose log nobody takes is ended by the system.
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        log = (log + text).slice(-10_000);
        const address = /Listening for client connections on (\S+:\d+)/.exec(log)?.[1];
        if (address) server.url = `nats://${address}`;
        if (log.includes("Streaming Server is ready")) resolve();
      });
    });
    return server;
  }

  async connect(id: string, options: StanOptions = {}): Promise<Stan> {
    const client = stan.connect(cluster, id, { url: this.url, ...options });
    this.#clients.push(client);
    await once(client, "connect");
    return client;
  }

  /** Ends a client's connection as a crash does: nobody tells the server. */
  cut(client: Stan): void {
    const inside = client as unknown as { nc?: { close(): void }; cleanupOnClose(): void };
    // Else it would go on to ping, on a connection that is closed.
    inside.cleanupOnClose();
    inside.nc?.close();
  }

  pause(): void {
    this.#child?.kill("SIGSTOP");
  }

  async close(): Promise<void> {
    const child = this.#child;
    child?.kill("SIGCONT");
    for (const client of this.#clients) this.cut(client);
    child?.kill("SIGKILL");
    if (child && child.exitCode === null && child.signalCode === null) await once(child, "exit");
    removeFolder(this.folder);
  }
}

/** The id that the server's ack names; rejects when there is none, or it is refused. */
export function publish(client: Stan, channel: string, data: string): Promise<string> {
  return new Promise((resolve, reject) => {
    client.publish(channel, data, (error, id) => (error ? reject(error) : resolve(id)));
  });
}

/** A subscription that is known to the server, and what came to it. */
export async function subscribe(
  client: Stan,
  channel: string,
  set: (options: SubscriptionOptions) => SubscriptionOptions = (options) => options.setDeliverAllAvailable(),
  group?: string,
) {
  const options = set(client.subscriptionOptions());
  const subscription = group ? client.subscribe(channel, group, options) : client.subscribe(channel, options);
  const got: Message[] = [];
  subscription.on("message", (message: Message) => got.push(message));
  await new Promise<void>((resolve, reject) => {
    subscription.once("ready", () => resolve());
    subscription.once("error", reject);
  });
  return { subscription, got, texts: () => got.map((message) => String(message.getData())) };
}
