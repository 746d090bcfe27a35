// Works with subjects only: it knows which ones it subscribed to, and how the server compares. A copy that came to another subscription than
// the first one that fits is passed over. Names are encoded byte by byte.
import type { NatsConnection } from "nats";
import type { Report, Wish } from "../solution.ts";

export async function send(nc: NatsConnection, { depot, event, text }: Report): Promise<void> {
  nc.publish(["parcel", encode(depot), ...wordsOf(event)].join("."), text);
  await nc.flush();
}

export async function watch(
  nc: NatsConnection,
  wishes: Wish[],
  show: (report: Report) => void,
): Promise<() => Promise<void>> {
  const wanted = new Set<string>();
  for (const { depot, event } of wishes) {
    const start = ["parcel", depot === undefined ? "*" : encode(depot)];
    if (event !== undefined) {
      start.push(...wordsOf(event));
      wanted.add(start.join("."));
    }
    wanted.add([...start, ">"].join("."));
  }
  const subjects = [...wanted];
  const subscriptions = subjects.map((own) =>
    nc.subscribe(own, {
      callback(error, message) {
        if (error || subjects.find((subject) => matches(subject, message.subject)) !== own) return;
        const [, token = "", ...words] = message.subject.split(".");
        const depot = decode(token);
        if (depot !== undefined) show({ depot, event: words.join("."), text: message.string() });
      },
    }),
  );
  await nc.flush();
  return async () => {
    await Promise.all(subscriptions.map((subscription) => subscription.drain()));
  };
}

function matches(pattern: string, subject: string): boolean {
  const tokens = subject.split(".");
  const wanted = pattern.split(".");
  for (const [at, token] of wanted.entries()) {
    if (token === ">") return tokens.length > at;
    if (tokens[at] === undefined || (token !== "*" && token !== tokens[at])) return false;
  }
  return tokens.length === wanted.length;
}

function wordsOf(event: string): string[] {
  const words = event.split(".");
  if (words.some((word) => word === "" || /[^a-z0-9-]/.test(word))) {
    throw new Error(`"${event}" is no event: words of a to z, 0 to 9 and "-", with dots between them`);
  }
  return words;
}

function encode(name: string): string {
  if (name === "") throw new Error("The depot's name is empty.");
  return Array.from(Buffer.from(name), (byte) =>
    /[\w-]/.test(String.fromCharCode(byte))
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`,
  ).join("");
}

function decode(token: string): string | undefined {
  try {
    return decodeURIComponent(token);
  } catch {
    return undefined;
  }
}
