// Who stands in a timeline: clients to the left and right, streams (or the server) and consumers in the middle.
import type { WireEvent } from "../events.ts";

export interface Lane {
  kind: "client" | "stream" | "server" | "consumer";
  title: string;
  /** NATS Streaming has a channel in the place of the stream, and its subscriptions in that of consumers. */
  of?: "channel";
}

/** What stands below the title of a stream or a consumer, and in words before it; "" for a client and a server. */
export function kindOf({ kind, of }: Lane): string {
  if (kind !== "stream" && kind !== "consumer") return "";
  if (of !== "channel") return kind;
  return kind === "stream" ? "channel" : "subscription";
}

/** A name that the client or the server made up (a NUID, and a number that an ordered consumer counts up): it says nothing. */
const madeUp = /^[0-9A-Za-z]{20,22}(_\d+)?$/;

/** More lanes than this leave no room for a line of text; then deliveries come from the stream itself. */
const roomForConsumers = 5;

/** The lanes of a run, and where each event belongs. */
export class Lanes {
  readonly list: Lane[] = [];
  readonly #clients = new Map<string, number>();
  readonly #streams = new Map<string, number>();
  readonly #consumers = new Map<string, number>();
  readonly #streamOfSubject = new Map<string, string>();
  #server: number | undefined;

  constructor(events: readonly WireEvent[]) {
    const clients = new Map<string, { published: number; received: number }>();
    const streams = new Map<string, Lane["of"]>();
    const consumers = new Map<string, { stream: string; consumer: string; of?: "channel" }>();
    let needsServer = false;
    for (const event of events) {
      const name = clientName(event);
      if (name !== undefined && !clients.has(name)) clients.set(name, { published: 0, received: 0 });
      const counts = name === undefined ? undefined : clients.get(name);
      if (event.kind === "publish" && event.answers === undefined && counts) counts.published++;
      if ((event.kind === "delivery" || event.kind === "message" || event.kind === "pull") && counts)
        counts.received++;
      if (event.kind === "puback" && event.stream) {
        streams.set(event.stream, event.of);
        this.#streamOfSubject.set(event.subject, event.stream);
      }
      if (event.kind === "delivery" || event.kind === "pull") {
        streams.set(event.stream, event.of);
        consumers.set(consumerKey(event), event);
      }
      if (event.kind === "delivery") this.#streamOfSubject.set(event.subject, event.stream);
      if (event.kind === "apiReply" && event.call.startsWith("STREAM.CREATE") && event.ok)
        streams.set(event.about[0] ?? "", undefined);
      if (event.kind === "message" || event.kind === "reply") needsServer = true;
    }
    const receives = (name: string) => {
      const { published = 0, received = 0 } = clients.get(name) ?? {};
      return received > published;
    };
    const names = inOrder([...clients.keys()]);
    const left = names.filter((name) => !receives(name));
    const right = names.filter(receives);
    for (const name of left) this.#clients.set(name, this.#add({ kind: "client", title: name }));
    for (const [name, of] of streams)
      this.#streams.set(name, this.#add({ kind: "stream", title: name, ...(of && { of }) }));
    if (streams.size === 0 || (streams.size > 1 && needsServer))
      this.#server = this.#add({ kind: "server", title: "server" });
    if (clients.size + this.list.length - left.length + consumers.size <= roomForConsumers) {
      let unnamed = 0;
      for (const [key, { consumer, of }] of consumers) {
        const title = madeUp.test(consumer) ? `consumer ${++unnamed}` : consumer;
        this.#consumers.set(key, this.#add({ kind: "consumer", title, ...(of && { of }) }));
      }
    }
    for (const name of right) this.#clients.set(name, this.#add({ kind: "client", title: name }));
  }

  #add(lane: Lane): number {
    return this.list.push(lane) - 1;
  }

  /** The client's lane; undefined for a client that is not drawn. */
  client(event: WireEvent): number | undefined {
    const name = clientName(event);
    return name === undefined ? undefined : this.#clients.get(name);
  }

  named(name: string): number | undefined {
    return this.#clients.get(name);
  }

  clients(): number[] {
    return [...this.#clients.values()];
  }

  /** The lanes that live and die with the server. */
  withoutClients(): number[] {
    return this.list.flatMap((lane, i) => (lane.kind === "client" ? [] : [i]));
  }

  /** The stream's lane, or the server's when the stream is not known. */
  stream(name: string | undefined): number {
    return (name === undefined ? undefined : this.#streams.get(name)) ?? this.server();
  }

  /** Where a message of this subject goes: the stream that is known to capture it, or the server. */
  subject(subject: string): number {
    return this.stream(this.#streamOfSubject.get(subject));
  }

  /** What a consumer is called here: a name that was made up says nothing. */
  consumerTitle(of: { stream: string; consumer: string }): string {
    const lane = this.#consumers.get(consumerKey(of));
    return this.list[lane ?? -1]?.title ?? (madeUp.test(of.consumer) ? "an ordered consumer" : of.consumer);
  }

  consumer(of: { stream: string; consumer: string }): number {
    return this.#consumers.get(consumerKey(of)) ?? this.stream(of.stream);
  }

  /** Where a call of an API is answered: at the stream or channel that it is about, or at the server. */
  api({ about, of }: { about: string[]; of?: "channel" }): number {
    const lane = this.#streams.get(about[0] ?? "");
    if (lane !== undefined && this.list[lane]?.of === of) return lane;
    return (
      this.#server ?? [...this.#streams.values()].find((each) => this.list[each]?.of === of) ?? this.server()
    );
  }

  /** With one stream, the stream stands for its server. */
  server(): number {
    return this.#server ?? [...this.#streams.values()][0] ?? 0;
  }
}

/** Clients without a name are told apart by their connection. */
function clientName(event: WireEvent): string | undefined {
  if (event.connection === undefined || event.kind === "dial" || event.kind === "info") return undefined;
  return event.client || `client ${event.connection}`;
}

/** As they came, but `van 1` before `van 2`. */
function inOrder(names: readonly string[]): string[] {
  const parts = names.map((name) => {
    const [, base = name, number = "0"] = /^(.*?)(\d+)$/.exec(name) ?? [];
    return { name, base, number: Number(number) };
  });
  const firsts = [...new Set(parts.map(({ base }) => base))];
  return parts
    .sort((a, b) => firsts.indexOf(a.base) - firsts.indexOf(b.base) || a.number - b.number)
    .map(({ name }) => name);
}

function consumerKey(of: { stream: string; consumer: string }): string {
  return `${of.stream} > ${of.consumer}`;
}
