// A loop for each subscription. Every subscription knows its place in one list, and whether an earlier one gets a report, too.
import type { NatsConnection, Subscription } from "nats";
import type { Report, Wish } from "../solution.ts";

interface Part {
  depot: string | undefined;
  event: string | undefined;
  /** The event itself, all below it, or both where any event will do. */
  level: "here" | "below";
  subject: string;
}

const word = /^[a-z\d-]+$/;

export async function send(nc: NatsConnection, report: Report): Promise<void> {
  const subject = `parcel.${asToken(report.depot)}.${asEvent(report.event)}`;
  nc.publish(subject, new TextEncoder().encode(report.text));
  await nc.flush();
}

export async function watch(
  nc: NatsConnection,
  wishes: Wish[],
  show: (report: Report) => void,
): Promise<() => Promise<void>> {
  const parts: Part[] = [];
  for (const { depot, event } of wishes) {
    const place = `parcel.${depot === undefined ? "*" : asToken(depot)}`;
    if (event === undefined) {
      parts.push({ depot, event, level: "below", subject: `${place}.>` });
    } else {
      parts.push({ depot, event, level: "here", subject: `${place}.${asEvent(event)}` });
      parts.push({ depot, event, level: "below", subject: `${place}.${event}.>` });
    }
  }
  const running = parts.map((part, at) => {
    const subscription = nc.subscribe(part.subject);
    return { subscription, done: read(subscription, parts.slice(0, at), show) };
  });
  await nc.flush();
  return async () => {
    for (const { subscription } of running) subscription.unsubscribe();
    await Promise.all(running.map(({ done }) => done));
    await nc.flush();
  };
}

async function read(
  subscription: Subscription,
  earlier: Part[],
  show: (report: Report) => void,
): Promise<void> {
  for await (const message of subscription) {
    const [token, event] = message.subject.slice("parcel.".length).split(/\.(.*)/s);
    const depot = asName(token);
    if (depot === undefined || event === undefined) continue;
    if (earlier.some((part) => gets(part, depot, event))) continue;
    show({ depot, event, text: message.string() });
  }
}

function gets(part: Part, depot: string, event: string): boolean {
  if (part.depot !== undefined && part.depot !== depot) return false;
  if (part.event === undefined) return true;
  return part.level === "here" ? event === part.event : event.startsWith(`${part.event}.`);
}

function asToken(name: string): string {
  if (!name) throw new TypeError("a depot without a name");
  let token = "";
  for (const character of encodeURIComponent(name)) {
    if (/[\w%-]/.test(character)) token += character;
    else token += `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  }
  return token;
}

function asName(token = ""): string | undefined {
  try {
    return decodeURIComponent(token);
  } catch {
    return undefined;
  }
}

function asEvent(event: string): string {
  if (!event.split(".").every((each) => word.test(each))) throw new TypeError(`no event: ${event}`);
  return event;
}
