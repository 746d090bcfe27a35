// The classroom's host: takes learners in, counts what they send, confirms it to them, and puts what is made of it into the bucket that
// the dashboard watches. All it knows is in NATS: it may be killed at any time and makes everything again.
import { createHash } from "node:crypto";
import { type ConsumerMessages, DeliverPolicy, jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { KV } from "@nats-io/kv";
import type { Msg, NatsConnection } from "@nats-io/transport-node";
import type { Authority } from "./authority.ts";
import { Ledger } from "./ledger.ts";
import { type News, parsed, readDeskOrder, readMessage, type ToLearner } from "./messages.ts";
import { nameKey, readName } from "./names.ts";
import { keys, type RoomNames } from "./room.ts";
import { openStore } from "./store.ts";
import type { LearnerSummary, RoomState } from "./summary.ts";

export interface HostSettings {
  readonly nc: NatsConnection;
  readonly room: RoomNames;
  readonly authority: Authority;
  /** 3 in a cluster. Default 1. */
  readonly replicas?: number;
  readonly tell?: (words: string) => void;
}

/** A name that is taken. */
export class NameTaken extends Error {}

type Roster = Pick<LearnerSummary, "id" | "name" | "joinedAt">;

/** Announcements that a learner who comes late is told. */
const newsKept = 5;
const flushEveryMs = 25;
const againMs = 500;
/** Questions of one learner that are answered in a second. */
const asksPerSecond = 10;

export class Host {
  readonly ledger: Ledger;
  #state: RoomState = { announcements: [], lowered: Object.create(null), removed: [] };
  readonly #joining = new Map<string, Promise<Roster>>();
  /** Learners whose summary in the bucket is older than what we know. */
  readonly #changed = new Set<string>();
  readonly #writing = new Set<string>();
  /** What stands in the bucket, to write only what differs. */
  readonly #written = new Map<string, string>();
  /** Of each learner, the lessons whose code stands in the bucket, and since when. */
  readonly #sharedNow = new Map<string, Map<string, number>>();
  readonly #asked = new Map<string, number>();
  readonly #toErase: number[] = [];
  #orders = Promise.resolve();
  #last = 0;
  #reading: ConsumerMessages | undefined;
  #closed = false;
  #timers: NodeJS.Timeout[] = [];

  private constructor(
    private readonly settings: Required<HostSettings>,
    private readonly kv: KV,
  ) {
    this.ledger = new Ledger((sequences) => this.#toErase.push(...sequences));
  }

  /** Opens the classroom, and resolves when everything that was stored before has been counted. */
  static async open({ replicas = 1, tell = () => {}, ...rest }: HostSettings): Promise<Host> {
    const settings = { replicas, tell, ...rest };
    const kv = await persistently(() => openStore(settings.nc, settings.room, replicas), 30_000);
    const host = new Host(settings, kv);
    await host.#recall();
    await host.#countAll();
    host.#serve();
    return host;
  }

  get room(): RoomState {
    return this.#state;
  }

  get learners(): number {
    return this.ledger.summaries().length;
  }

  close(): void {
    this.#closed = true;
    for (const timer of this.#timers) clearInterval(timer);
  }

  /**
   * Takes a learner in. The same key again, under the same name, is the same learner: an answer may have been lost.
   * @throws RangeError for a name that cannot be used, NameTaken
   */
  async join(typed: unknown, publicKey: string): Promise<{ id: string; name: string; jwt: string }> {
    const name = readName(typed);
    const id = createHash("sha256").update(publicKey).digest("hex").slice(0, 16);
    const known = this.ledger.summary(id);
    if (this.#state.removed.includes(id)) throw new NameTaken("You were removed from this classroom.");
    if (known && known.name !== name) throw new NameTaken(`You have joined already, as ${known.name}.`);
    // Two requests with one key at the same time must not take two names.
    const taking =
      this.#joining.get(id) ??
      (known ? Promise.resolve(known) : this.#take({ id, name, joinedAt: Date.now() }));
    this.#joining.set(id, taking);
    let learner: Roster;
    try {
      learner = await taking;
    } finally {
      this.#joining.delete(id);
    }
    if (learner.name !== name) throw new NameTaken(`You have joined already, as ${learner.name}.`);
    const jwt = await this.settings.authority.learner(this.settings.room, id, publicKey);
    return { id, name, jwt };
  }

  /** Created, never overwritten: of two who want a name at the same time, the server lets one have it. */
  async #take(learner: Roster): Promise<Roster> {
    const key = keys.name(nameKey(learner.name));
    try {
      await this.kv.create(key, JSON.stringify(learner));
    } catch (error) {
      const holder = parsed((await this.kv.get(key))?.string() ?? "") as Roster | undefined;
      if (!holder) throw error;
      if (holder.id !== learner.id)
        throw new NameTaken(`The name ${learner.name} is taken in this room. Add a letter or a second name.`);
      return this.#seat(holder);
    }
    return this.#seat(learner);
  }

  #seat(learner: Roster): Roster {
    this.ledger.add(learner);
    this.#changed.add(learner.id);
    return learner;
  }

  /** Names, what the instructor said, and what the bucket shows of each learner. */
  async #recall(): Promise<void> {
    const { values } = await this.kv.status();
    // Of an empty bucket nothing comes, not even an end.
    if (values === 0) return;
    const names: Roster[] = [];
    for await (const { key, value, operation, delta } of await this.kv.watch()) {
      if (operation === "PUT") {
        const text = new TextDecoder().decode(value);
        const [kind, id = "", lesson = ""] = key.split(".");
        if (kind === keys.room) this.#state = { ...this.#state, ...(parsed(text) as RoomState) };
        if (kind === "name") names.push(parsed(text) as Roster);
        if (kind === "learner") this.#written.set(id, text);
        if (kind === "shared") this.#sharedNow.set(id, new Map(this.#sharedNow.get(id)).set(lesson, 0));
      }
      if (delta === 0) break;
    }
    for (const learner of names) if (!this.#state.removed.includes(learner.id)) this.ledger.add(learner);
  }

  /** Counts what is stored, then what comes. Resolves when it has caught up. */
  async #countAll(): Promise<void> {
    const manager = await jetstreamManager(this.settings.nc);
    const { state } = await persistently(() => manager.streams.info(this.settings.room.stream), 30_000);
    const { promise, resolve } = deferred();
    if (state.messages === 0) resolve();
    void this.#closeWhenReconnected();
    void this.#follow(state.last_seq, resolve);
    await promise;
    for (const summary of this.ledger.summaries()) this.#changed.add(summary.id);
  }

  async #follow(caughtUpAt: number, caughtUp: () => void): Promise<void> {
    const js = jetstream(this.settings.nc);
    while (!this.#closed) {
      try {
        const consumer = await js.consumers.get(this.settings.room.stream, {
          deliver_policy: DeliverPolicy.StartSequence,
          opt_start_seq: this.#last + 1,
        });
        const messages = await consumer.consume({ max_messages: 500, idle_heartbeat: 1_000, expires: 5_000 });
        this.#reading = messages;
        void this.#closeWhenSilent(messages);
        for await (const message of messages) {
          this.#last = message.seq;
          this.#count(message.subject, message.string(), message.seq, message.time.getTime());
          // The last one that is there: those after it may have been erased.
          if (message.seq >= caughtUpAt || message.info.pending === 0) caughtUp();
        }
      } catch {
        // The server is away. What is stored there waits, and is read from where we stopped.
      }
      if (!this.#closed) await new Promise((resolve) => setTimeout(resolve, againMs));
    }
  }

  /**
   * An ordered consumer lives on one server of a cluster. When that one dies nobody answers for it, neither that it is there nor that it
   * is gone, and the client (3.4.0) asks on for ever. So without its heartbeats, or on a new connection, it is given up for another one.
   */
  async #closeWhenSilent(messages: ConsumerMessages): Promise<void> {
    for await (const { type } of messages.status()) if (type === "heartbeats_missed") await messages.close();
  }

  async #closeWhenReconnected(): Promise<void> {
    for await (const { type } of this.settings.nc.status())
      if (type === "reconnect") await this.#reading?.close();
  }

  #count(subject: string, text: string, sequence: number, at: number): void {
    const learner = subject.slice(subject.lastIndexOf(".") + 1);
    const message = readMessage(text);
    if (!message || !this.ledger.count({ learner, message, at, sequence })) return;
    const lowered = this.#state.lowered[learner];
    if (lowered !== undefined) this.ledger.lower(learner, lowered);
    this.#changed.add(learner);
  }

  #serve(): void {
    const { nc, room } = this.settings;
    nc.subscribe(room.ask("*"), {
      callback: (error, message) => {
        if (!error) this.#answer(message.subject.slice(message.subject.lastIndexOf(".") + 1));
      },
    });
    nc.subscribe(room.desk, {
      callback: (error, message) => {
        // One after the other: each makes the next state of the last one.
        if (!error) this.#orders = this.#orders.then(() => this.#order(message));
      },
    });
    this.#timers = [
      setInterval(() => this.#flush(), flushEveryMs),
      setInterval(() => this.#asked.clear(), 1_000),
      setInterval(() => void this.#eraseNow(), 1_000),
    ];
    // Who asked while we were away is told now.
    for (const { id } of this.ledger.summaries()) this.#changed.add(id);
    this.#flush();
  }

  #answer(learner: string): void {
    if (!this.ledger.has(learner)) return;
    const asked = (this.#asked.get(learner) ?? 0) + 1;
    this.#asked.set(learner, asked);
    if (asked <= asksPerSecond) this.#confirm(learner, true);
  }

  #confirm(learner: string, withNews: boolean): void {
    const words: ToLearner = {
      v: 1,
      upTo: this.ledger.upTo(learner),
      hand: this.ledger.summary(learner)?.hand !== undefined,
      ...(withNews && { news: this.#news() }),
    };
    this.#say(this.settings.room.to(learner), words);
  }

  #say(subject: string, words: ToLearner): void {
    try {
      this.settings.nc.publish(subject, JSON.stringify(words));
    } catch {
      // Closed, or between two connections: learners ask again.
    }
  }

  #news(): News {
    const { announcements, pace } = this.#state;
    return { announcements: announcements.slice(-newsKept), ...(pace && { pace }) };
  }

  /** Confirms, and writes summaries; of each learner one at a time, so that the newest stays. */
  #flush(): void {
    for (const learner of [...this.#changed]) {
      if (this.#writing.has(learner)) continue;
      this.#changed.delete(learner);
      this.#confirm(learner, false);
      void this.#write(learner);
    }
  }

  async #write(learner: string): Promise<void> {
    const summary = this.ledger.summary(learner);
    if (!summary) return;
    const text = JSON.stringify(summary);
    this.#writing.add(learner);
    try {
      // First, and even when the summary is the same: it need not say that code was taken back.
      await this.#writeShares(learner);
      if (this.#written.get(learner) === text) return;
      await this.kv.put(keys.learner(learner), text);
      this.#written.set(learner, text);
    } catch {
      setTimeout(() => this.#changed.add(learner), againMs).unref();
    } finally {
      this.#writing.delete(learner);
    }
  }

  /** Code that was taken back is purged, not only hidden. */
  async #writeShares(learner: string): Promise<void> {
    const before = this.#sharedNow.get(learner) ?? new Map<string, number>();
    if (before.size === 0 && this.ledger.shared(learner).length === 0) return;
    const now = new Map(this.ledger.shared(learner).map((shared) => [shared.lesson, shared]));
    for (const [lesson, shared] of now)
      if (before.get(lesson) !== shared.at)
        await this.kv.put(keys.shared(learner, lesson), JSON.stringify(shared));
    for (const lesson of before.keys())
      if (!now.has(lesson)) await this.kv.purge(keys.shared(learner, lesson));
    this.#sharedNow.set(learner, new Map([...now].map(([lesson, { at }]) => [lesson, at])));
  }

  async #eraseNow(): Promise<void> {
    const sequences = this.#toErase.splice(0);
    if (sequences.length === 0) return;
    const manager = await jetstreamManager(this.settings.nc).catch(() => undefined);
    if (!manager) return void this.#toErase.push(...sequences);
    for (const sequence of sequences) {
      try {
        await manager.streams.deleteMessage(this.settings.room.stream, sequence, true);
      } catch (error) {
        // Gone already, after a restart. Anything else is tried again.
        if (!/no message found|not found/i.test((error as Error).message)) this.#toErase.push(sequence);
      }
    }
  }

  /** What the instructor wants. It is in the bucket before the answer goes. */
  async #order(message: Msg): Promise<void> {
    try {
      const order = readDeskOrder(message.string());
      const state = structuredClone(this.#state);
      if (order.kind === "announce") {
        // The answer to the first try may have been lost.
        if (!state.announcements.some(({ id }) => id === order.id))
          state.announcements = [
            ...state.announcements,
            { id: order.id, text: order.text, at: Date.now() },
          ].slice(-50);
      }
      if (order.kind === "pace") state.pace = order.pace;
      if (order.kind === "lower") {
        const n = this.ledger.summary(order.learner)?.hand?.n;
        if (n !== undefined) state.lowered[order.learner] = n;
      }
      if (order.kind === "remove" && this.ledger.has(order.learner)) state.removed.push(order.learner);
      await this.kv.put(keys.room, JSON.stringify(state));
      this.#state = state;
      if (order.kind === "lower" && state.lowered[order.learner] !== undefined) {
        this.ledger.lower(order.learner, state.lowered[order.learner] ?? 0);
        this.#changed.add(order.learner);
      }
      if (order.kind === "remove") {
        this.ledger.forget(order.learner);
        await this.kv.purge(keys.learner(order.learner));
      }
      if (order.kind === "announce" || order.kind === "pace")
        this.#say(this.settings.room.toAll, { v: 1, news: this.#news() });
      message.respond(JSON.stringify({ ok: true }));
    } catch (error) {
      message.respond(JSON.stringify({ error: (error as Error).message }));
    }
  }
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

/** JetStream may need a moment after the server is up, and a cluster some seconds to choose leaders. */
async function persistently<T>(work: () => Promise<T>, withinMs: number): Promise<T> {
  const end = performance.now() + withinMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (performance.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, againMs));
    }
  }
}
