// A client of NATS Streaming, for the check itself and, in the program's own process, for a learner's program.
import type { Stan, StanOptions } from "node-nats-streaming";

export interface StreamingOptions extends Omit<StanOptions, "servers" | "url"> {
  readonly clusterId: string;
  /** Address of the nats-server. */
  readonly servers: string;
  /** The client id, which is also what the timeline shows. */
  readonly name: string;
}

/** How long the server may take to answer a request, in milliseconds, however busy the machine is. */
const connectTimeout = 30_000;

/** Resolves when the server has taken the client in; rejects with its reason when it does not. */
export async function connectStreaming({ clusterId, servers, ...options }: StreamingOptions): Promise<Stan> {
  // Few lessons need it, and it is slow to load.
  const { default: stan } = await import("node-nats-streaming");
  const url = `nats://${servers}`;
  const always = { maxReconnectAttempts: -1, reconnectTimeWait: 100, connectTimeout };
  const client = stan.connect(clusterId, options.name, { ...always, ...options, url });
  await new Promise((resolve, reject) => client.once("connect", resolve).once("error", reject));
  // Errors of the connection are no news to its user, who is told of each request that fails; unheard, they would end the process.
  client.on("error", () => {});
  return client;
}

/** Says goodbye to the server, as far as it is there; resolves when the connection is closed. */
export async function closeStreaming(client: Stan): Promise<void> {
  if ((client as unknown as { nc?: unknown }).nc === undefined) return;
  await new Promise((resolve) => {
    client.once("close", resolve);
    client.close();
  });
}
