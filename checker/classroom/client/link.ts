// The dashboard's connection: the instructor's token for a user, a WebSocket to NATS, and a watch on the bucket.
import { Kvm, type KvWatchEntry } from "@nats-io/kv";
import { jwtAuthenticator, type NatsConnection, wsconnect } from "@nats-io/nats-core";
import type { DeskOrder } from "../messages.ts";
import { keys, roomNames } from "../room.ts";
import type { Catalogue } from "../summary.ts";

export interface Opened {
  readonly room: string;
  readonly code: string;
  readonly catalogue: Catalogue;
}

interface Desk extends Opened {
  readonly jwt: string;
  readonly seed: string;
  readonly ws: { readonly url: string } | { readonly port: number; readonly tls: boolean };
}

export interface Listener {
  opened(room: Opened): void;
  entry(key: string, value: string | undefined): void;
  /** The first picture is whole. */
  whole(): void;
  state(words: string, trouble: boolean): void;
}

const tokenKey = "learn-nats.token";
const againMs = 1_000;

/** From the address, once: it does not stay where others may read it. */
function token(): string {
  const given = /[#&]token=([\w-]+)/.exec(location.hash)?.[1];
  if (given) {
    sessionStorage.setItem(tokenKey, given);
    history.replaceState(null, "", location.pathname);
  }
  return given ?? sessionStorage.getItem(tokenKey) ?? "";
}

export class Link {
  #nc: NatsConnection | undefined;
  #room = "";

  constructor(private readonly listener: Listener) {}

  /** Connects, and again whenever that ends; says why it cannot. */
  async run(): Promise<void> {
    const secret = token();
    for (;;) {
      try {
        const answer = await this.#connect(secret);
        if (answer !== undefined) return this.listener.state(answer, true);
      } catch (error) {
        this.listener.state(`Not connected: ${(error as Error).message}. Trying again …`, true);
      }
      await new Promise((resolve) => setTimeout(resolve, againMs));
    }
  }

  /** @throws Error with a sentence for the instructor */
  async order(order: DeskOrder): Promise<void> {
    const nc = this.#nc;
    if (!nc) throw new Error("There is no connection now. Try again in a moment.");
    let answer: { error?: string };
    try {
      const message = await nc.request(roomNames(this.#room).desk, JSON.stringify(order), { timeout: 5_000 });
      answer = message.json();
    } catch {
      throw new Error("The classroom's host does not answer. Try again in a moment.");
    }
    if (answer.error) throw new Error(answer.error);
  }

  /** @returns words when it is of no use to try again */
  async #connect(secret: string): Promise<string | undefined> {
    const inbox = `_INBOX_${crypto.getRandomValues(new Uint32Array(4)).join("").slice(0, 32).padEnd(16, "0")}`;
    const response = await fetch("/api/desk", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ token: secret, inbox }),
    });
    const desk = (await response.json()) as Desk & { error?: string };
    if (response.status === 403) return desk.error ?? "This is not the instructor's token.";
    if (!response.ok) throw new Error(desk.error ?? `status ${response.status}`);
    this.#room = desk.room;
    this.listener.opened(desk);
    const { ws } = desk;
    const nc = await wsconnect({
      servers: "url" in ws ? ws.url : `${ws.tls ? "wss" : "ws"}://${location.hostname}:${ws.port}`,
      authenticator: jwtAuthenticator(desk.jwt, new TextEncoder().encode(desk.seed)),
      inboxPrefix: inbox,
      name: "dashboard",
      maxReconnectAttempts: 20,
      reconnectTimeWait: 300,
      pingInterval: 5_000,
    });
    this.#nc = nc;
    this.listener.state("Live", false);
    void this.#watch(nc);
    void this.#tellStates(nc);
    await nc.closed();
    this.#nc = undefined;
    this.listener.state("The connection is lost. Trying again …", true);
    return undefined;
  }

  async #tellStates(nc: NatsConnection): Promise<void> {
    for await (const { type } of nc.status()) {
      if (type === "disconnect") this.listener.state("The connection is lost. Trying again …", true);
      if (type === "reconnect") {
        this.listener.state("Live", false);
        // The server's consumer died with the server.
        void this.#watch(nc);
      }
    }
  }

  #watching = 0;

  /** One watch at a time; a new one gives the whole picture again. */
  async #watch(nc: NatsConnection): Promise<void> {
    const turn = ++this.#watching;
    const { bucket } = roomNames(this.#room);
    while (turn === this.#watching && !nc.isClosed()) {
      try {
        const kv = await new Kvm(nc).open(bucket);
        const entries = await kv.watch({ key: [keys.learners, keys.room, keys.shares] });
        let whole = false;
        for await (const entry of entries) {
          if (turn !== this.#watching) return entries.stop();
          this.#tell(entry);
          if (!whole && (entry.delta ?? 0) === 0) {
            whole = true;
            this.listener.whole();
          }
        }
      } catch {
        // The server is starting.
      }
      await new Promise((resolve) => setTimeout(resolve, againMs / 4));
    }
  }

  #tell({ key, value, operation }: KvWatchEntry): void {
    this.listener.entry(key, operation === "PUT" ? new TextDecoder().decode(value) : undefined);
  }
}
