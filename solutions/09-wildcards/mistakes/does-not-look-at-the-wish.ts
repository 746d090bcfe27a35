// Mistake: subscribe-refuses-what-is-wrong
// Fails: a wish that nothing can fit is refused
// The event goes into the subject as it came: if it is wrong, subscribe() will say so.
import type { Msg, NatsConnection } from "nats";
import type { Report, Wish } from "../solution.ts";

export { send } from "../solution.ts";

export async function watch(
  nc: NatsConnection,
  wishes: Wish[],
  show: (report: Report) => void,
): Promise<() => Promise<void>> {
  const wanted = wishes.map(subjectsOf);
  const subscriptions = wanted.flatMap((subjects, at) =>
    subjects.map((subject) =>
      nc.subscribe(subject, {
        callback: (error, message) => {
          const report = error ? undefined : readReport(message);
          if (report && wishes.findIndex((wish) => fits(report, wish)) === at) show(report);
        },
      }),
    ),
  );
  await nc.flush();
  return async () => {
    for (const subscription of subscriptions) subscription.unsubscribe();
    await nc.flush();
  };
}

function subjectsOf({ depot, event }: Wish): string[] {
  const place = `parcel.${depot === undefined ? "*" : tokenOf(depot)}`;
  return event === undefined ? [`${place}.>`] : [`${place}.${event}`, `${place}.${event}.>`];
}

function fits(report: Report, { depot, event }: Wish): boolean {
  if (depot !== undefined && report.depot !== depot) return false;
  return event === undefined || report.event === event || report.event.startsWith(`${event}.`);
}

function readReport(message: Msg): Report | undefined {
  const [, token = "", ...event] = message.subject.split(".");
  try {
    return { depot: decodeURIComponent(token), event: event.join("."), text: message.string() };
  } catch {
    return undefined;
  }
}

function tokenOf(depot: string): string {
  if (depot === "") throw new RangeError("A depot needs a name.");
  return encodeURIComponent(depot).replace(
    /[.*!'()~]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
