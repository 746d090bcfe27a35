// What a classroom has on NATS: a stream that keeps what learners send, and a key-value bucket with what is made of it.
import type { ConnectionOptions } from "node:tls";
import { DiscardPolicy, jetstreamManager, StorageType } from "@nats-io/jetstream";
import { type KV, Kvm } from "@nats-io/kv";
import { connect, type NatsConnection, nanos, type TlsOptions } from "@nats-io/transport-node";
import { EnvironmentTrouble } from "../course/errors.ts";
import type { Credentials } from "./authority.ts";
import { mostBytes, mostMessages } from "./messages.ts";
import type { RoomNames } from "./room.ts";
import { userAuthenticator } from "./signing.ts";

export interface Where {
  readonly servers: readonly string[];
  readonly credentials: Credentials;
  /** The client hands the second on to node:tls. */
  readonly tls?: TlsOptions & Pick<ConnectionOptions, "checkServerIdentity" | "rejectUnauthorized">;
}

/** A connection that never gives up. @throws EnvironmentTrouble when the first one does not come about */
export async function connectAs(name: string, { servers, credentials, tls }: Where): Promise<NatsConnection> {
  try {
    return await connect({
      name,
      servers: [...servers],
      authenticator: userAuthenticator(credentials),
      maxReconnectAttempts: -1,
      ignoreAuthErrorAbort: true,
      reconnectTimeWait: 200,
      pingInterval: 10_000,
      ...(tls && { tls }),
    });
  } catch (error) {
    throw new EnvironmentTrouble(
      `NATS at ${servers.join(", ")} does not take the connection: ${(error as Error).message}.`,
      "See that it runs, that the address is right, and that the credentials belong to it.",
      { cause: error },
    );
  }
}

/** Makes both, or finds them: safe to run again. */
export async function openStore(nc: NatsConnection, room: RoomNames, replicas: number): Promise<KV> {
  const manager = await jetstreamManager(nc);
  const config = {
    name: room.stream,
    subjects: [room.from("*")],
    storage: StorageType.File,
    num_replicas: replicas,
    // The server sends no PubAck: it would go wherever a learner says, with the server's rights. The host confirms instead.
    no_ack: true,
    // A result that is sent again is dropped by its message id. Later than this, the host knows it by its number.
    duplicate_window: nanos(10 * 60_000),
    max_msg_size: mostBytes,
    // Who floods fills their own part, and what is there stays.
    max_msgs_per_subject: mostMessages,
    discard: DiscardPolicy.New,
    discard_new_per_subject: true,
  };
  await manager.streams.info(room.stream).catch(() => manager.streams.add(config));
  const kvm = new Kvm(nc);
  return kvm.create(room.bucket, { history: 1, replicas, storage: StorageType.File, max_bytes: -1 });
}
