// Takes what waits in the outbox to the classroom, and hears what the instructor says. Sends again until the host has confirmed.
import { connect, headers, type NatsConnection } from "@nats-io/transport-node";
import { type Membership, membership, serversOf } from "./membership.ts";
import { mostBytes, type News, readToLearner } from "./messages.ts";
import { NewsBoard } from "./news.ts";
import { Outbox, type Waiting } from "./outbox.ts";
import { roomNames } from "./room.ts";
import { userAuthenticator } from "./signing.ts";

export interface SenderOptions {
  readonly member: Membership;
  /** The learner's folder of this classroom. */
  readonly home: string;
  readonly onNews?: (news: News) => void;
  /** Whether the instructor sees this learner's hand. */
  readonly onHand?: (up: boolean) => void;
}

/** Messages on their way at a time: the host confirms some, then more go. */
const window = 100;
/** How long a message may go without being confirmed before it is sent again. */
const againMs = 3_000;
/** Who follows is woken; a process of its own looks for what other commands write. */
const lookEveryMs = { own: 250, woken: 1_000 };
/** After a connection that did not come about. */
const againAfterMs = 1_000;
/** Of `mostBytes`, for the header. */
const mostText = mostBytes - 1_024;

export class Sender {
  readonly #outbox: Outbox;
  readonly #board: NewsBoard;
  readonly #room;
  #nc: NatsConnection | undefined;
  /** Numbers up to this one were sent on this connection. */
  #sent = 0;
  /** Between two connections nothing is sent: it would be lost, and what comes after it would overtake it. */
  #online = false;
  #heardAt = 0;
  #askedAt = 0;
  /** When what the host has lost was sent last. */
  #filledAt = Number.NEGATIVE_INFINITY;
  #closed = false;
  #wake = () => {};

  constructor(private readonly options: SenderOptions) {
    this.#outbox = new Outbox(options.home);
    this.#board = new NewsBoard(options.home);
    this.#room = roomNames(options.member.room);
  }

  /** Whether the host has answered. */
  get heard(): boolean {
    return this.#heardAt > 0;
  }

  /**
   * Sends until nothing waits and the classroom was heard once.
   * @param patienceMs how long it may take; what is left then stays in the outbox
   * @returns whether everything has arrived
   */
  async empty(patienceMs: number): Promise<boolean> {
    const end = performance.now() + patienceMs;
    while (performance.now() < end && !this.#closed) {
      await this.#turn(lookEveryMs.own);
      if (this.#heardAt > 0 && this.#outbox.waiting().length === 0) return true;
    }
    return false;
  }

  /** Sends what comes, and listens, until it is closed, or the learner has left or joined another classroom. */
  async follow(): Promise<void> {
    while (!this.#closed) await this.#turn(lookEveryMs.woken);
  }

  /** Something new is in the outbox. */
  wake(): void {
    this.#wake();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#wake();
    await this.#nc?.close().catch(() => {});
  }

  /** One look at the outbox. */
  async #turn(lookMs: number): Promise<void> {
    if (!this.#isStillMember()) return this.close();
    const connected = (this.#nc && !this.#nc.isClosed()) || (await this.#connect());
    if (connected && this.#nc && this.#online) this.#send(this.#nc);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, connected ? lookMs : againAfterMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #send(nc: NatsConnection): void {
    const now = performance.now();
    const waiting = this.#outbox.waiting();
    const late = now - Math.max(this.#askedAt, this.#heardAt) > againMs;
    if (late) this.#sent = 0;
    const fresh = waiting.filter(({ n }) => n > this.#sent).slice(0, window);
    try {
      for (const message of fresh) {
        this.#publish(nc, message);
        this.#sent = message.n;
      }
      if (this.#askedAt === 0 || late) {
        nc.publish(this.#room.ask(this.options.member.id));
        this.#askedAt = now;
      }
    } catch {
      // Between two connections. It is all still in the outbox.
    }
  }

  #publish(nc: NatsConnection, { n, id, at, body }: Waiting): void {
    const header = headers();
    header.set("Nats-Msg-Id", id);
    const text = (said: Waiting["body"]) =>
      JSON.stringify({ v: 1, n, ageMs: Math.max(0, Date.now() - at), body: said });
    const whole = text(body);
    // The server would cut us off, again at each try, and nothing after it would ever go.
    const fits = Buffer.byteLength(whole) <= mostText;
    nc.publish(this.#room.from(this.options.member.id), fits ? whole : text(null), { headers: header });
  }

  /** The folder is the same for every membership: what lies in it now may be of another one. */
  #isStillMember(): boolean {
    const { id, room } = membership(this.options.home) ?? {};
    return id === this.options.member.id && room === this.options.member.room;
  }

  async #connect(): Promise<boolean> {
    const { member } = this.options;
    try {
      const nc = await connect({
        name: `learner ${member.id}`,
        servers: serversOf(member),
        authenticator: userAuthenticator(member),
        maxReconnectAttempts: -1,
        ignoreAuthErrorAbort: true,
        reconnectTimeWait: 500,
        reconnectJitter: 500,
        timeout: 5_000,
        pingInterval: 10_000,
        maxPingOut: 2,
        ...(member.tls && { tls: member.ca === undefined ? {} : { ca: member.ca } }),
      });
      if (this.#closed) {
        await nc.close();
        return true;
      }
      this.#nc = nc;
      this.#online = true;
      this.#sent = 0;
      this.#askedAt = 0;
      const callback = (error: Error | null, message: { string(): string }) => {
        if (!error) this.#hear(message.string());
      };
      for (const subject of [this.#room.to(member.id), this.#room.toAll]) nc.subscribe(subject, { callback });
      void this.#watch(nc);
      return true;
    } catch {
      // Out of reach, or too busy to let us in: the outbox keeps everything.
      return false;
    }
  }

  async #watch(nc: NatsConnection): Promise<void> {
    for await (const { type } of nc.status()) {
      if (type === "disconnect") this.#online = false;
      if (type !== "reconnect") continue;
      this.#online = true;
      // What was on its way when the connection broke may be lost.
      this.#sent = 0;
      this.#askedAt = 0;
      this.#wake();
    }
  }

  #hear(text: string): void {
    const said = readToLearner(text);
    if (!said || !this.#isStillMember()) return;
    if (said.upTo !== undefined) {
      this.#heardAt = performance.now();
      try {
        this.#outbox.confirm(said.upTo);
        this.#fill(said.upTo);
      } catch {
        // A disk that is full, or a file that another program holds: the next answer says it again.
      }
    }
    if (said.news) {
      this.#board.hear(said.news);
      this.options.onNews?.(said.news);
    }
    if (said.hand !== undefined) this.options.onHand?.(said.hand);
    this.#wake();
  }

  /** A host that lost its power may know less than it has confirmed. It gets that once more: it counts in order, and would wait for ever. */
  #fill(upTo: number): void {
    const now = performance.now();
    if (!this.#nc || upTo >= this.#outbox.confirmed() || now - this.#filledAt < againMs) return;
    this.#filledAt = now;
    for (const message of this.#outbox.confirmedAfter(upTo, window)) this.#publish(this.#nc, message);
  }
}
