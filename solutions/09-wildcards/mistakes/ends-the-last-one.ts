// Mistake: one-end-ends-all
// Fails: a screen is there when `watch` is done, and gone when it is stopped
// The variable holds the subscription, so that it can be ended. It holds the last one.
import type { Msg, NatsConnection, Subscription } from "nats";
import type { Report, Wish } from "../solution.ts";

export { send } from "../solution.ts";

export async function watch(
  nc: NatsConnection,
  wishes: Wish[],
  show: (report: Report) => void,
): Promise<() => Promise<void>> {
  const wanted = wishes.map(subjectsOf);
  let subscription: Subscription | undefined;
  let stopped = false;
  for (const [at, subjects] of wanted.entries()) {
    for (const subject of subjects) {
      subscription = nc.subscribe(subject, {
        callback: (error, message) => {
          const report = error || stopped ? undefined : readReport(message);
          if (report && wishes.findIndex((wish) => fits(report, wish)) === at) show(report);
        },
      });
    }
  }
  await nc.flush();
  return async () => {
    stopped = true;
    subscription?.unsubscribe();
    await nc.flush();
  };
}

function subjectsOf({ depot, event }: Wish): string[] {
  const place = `parcel.${depot === undefined ? "*" : tokenOf(depot)}`;
  return event === undefined ? [`${place}.>`] : [`${place}.${checked(event)}`, `${place}.${event}.>`];
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

function checked(event: string): string {
  if (!/^[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(event)) throw new RangeError(`${event} is no event`);
  return event;
}
