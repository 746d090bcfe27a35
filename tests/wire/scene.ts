// What the tests of the wire need: a real server behind a relay, and plain TCP ends to look at bytes.
import { once } from "node:events";
import { type AddressInfo, createServer, connect as dial, type Server, type Socket } from "node:net";
import { type ConnectionOptions, connect, type NatsConnection } from "nats";
import { onTestFinished } from "vitest";
import { findProgram } from "../../checker/nats/install/find.ts";
import { NatsServer, type ServerSettings } from "../../checker/nats/server.ts";
import { is } from "../../checker/wire/events.ts";
import { Journal } from "../../checker/wire/journal.ts";
import { Relay } from "../../checker/wire/relay.ts";

export interface Scene {
  server: NatsServer;
  journal: Journal;
  relay: Relay;
  /** A client through the relay. */
  client(name: string, options?: ConnectionOptions): Promise<NatsConnection>;
  /** A client beside the relay. */
  direct(options?: ConnectionOptions): Promise<NatsConnection>;
}

/** A fresh server with a relay before it. Everything ends with the test. */
export async function scene(settings: ServerSettings = {}): Promise<Scene> {
  const server = await NatsServer.start(await findProgram("nats-server"), settings);
  onTestFinished(() => server.close());
  const journal = new Journal();
  const relay = await Relay.listen({
    journal,
    target: () => (server.running ? { host: server.host, port: server.port } : undefined),
  });
  onTestFinished(() => relay.close());
  const open = async (options: ConnectionOptions) => {
    const nc = await connect({
      ...server.user,
      reconnectTimeWait: 10,
      reconnectJitter: 0,
      maxReconnectAttempts: -1,
      ...options,
    });
    onTestFinished(() => nc.close());
    return nc;
  };
  return {
    server,
    journal,
    relay,
    client: (name, options = {}) => open({ servers: `127.0.0.1:${relay.port}`, name, ...options }),
    direct: (options = {}) => open({ servers: server.url, name: "direct", ...options }),
  };
}

/** A TCP server of our own behind a relay, and a client of it. */
export interface Pair {
  relay: Relay;
  journal: Journal;
  client: Socket;
  /** The server's end of the client's connection. */
  server: Socket;
}

export async function pair(): Promise<Pair> {
  const { listener, port } = await listen();
  const journal = new Journal();
  const relay = await Relay.listen({ journal, target: () => ({ host: "127.0.0.1", port }) });
  onTestFinished(() => relay.close());
  const accepted = once(listener, "connection") as Promise<[Socket]>;
  const client = dial({ port: relay.port, host: "127.0.0.1", allowHalfOpen: true });
  onTestFinished(() => void client.destroy());
  client.on("error", () => {});
  const [server] = await accepted;
  await journal.until(is("dial"), { what: "connection", timeoutMs: 10_000 });
  server.on("error", () => {});
  onTestFinished(() => void server.destroy());
  return { relay, journal, client, server };
}

export async function listen(): Promise<{ listener: Server; port: number }> {
  const listener = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  onTestFinished(() => void listener.close());
  return { listener, port: (listener.address() as AddressInfo).port };
}

/** All that a socket receives until its end. (Reading it with `for await` would end the other direction too.) */
export async function everything(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => void chunks.push(chunk)).resume();
  await once(socket, "end");
  return Buffer.concat(chunks);
}

/** The next so many bytes of a socket. */
export function read(socket: Socket, bytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const data = (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.length;
      if (length < bytes) return;
      socket.off("data", data);
      resolve(Buffer.concat(chunks));
    };
    socket.on("data", data);
    socket.once("error", reject);
    socket.once("close", () =>
      reject(new Error(`The connection was closed after ${length} of ${bytes} bytes.`)),
    );
    socket.resume();
  });
}

/** Bytes of both directions of a real session, recorded on the way to the server. */
export async function recordTraffic(
  server: NatsServer,
  session: (port: number) => Promise<void>,
): Promise<{ toServer: Buffer; toClient: Buffer }> {
  const toServer: Buffer[] = [];
  const toClient: Buffer[] = [];
  const listener = createServer((client) => {
    const up = dial(server.port, server.host);
    client.on("data", (chunk: Buffer) => void toServer.push(chunk)).pipe(up);
    up.on("data", (chunk: Buffer) => void toClient.push(chunk)).pipe(client);
    client.on("error", () => up.destroy());
    up.on("error", () => client.destroy());
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  await session((listener.address() as AddressInfo).port);
  listener.close();
  return { toServer: Buffer.concat(toServer), toClient: Buffer.concat(toClient) };
}
