// Mistake: filtering-here-is-the-same
// Fails: the server sends a screen only what somebody wishes for
// One subscription for all that there is; the program looks for itself what fits.
import type { Msg, NatsConnection } from "nats";
import type { Report, Wish } from "../solution.ts";

export { send } from "../solution.ts";

export async function watch(
  nc: NatsConnection,
  wishes: Wish[],
  show: (report: Report) => void,
): Promise<() => Promise<void>> {
  for (const { depot, event } of wishes) {
    if (depot === "") throw new RangeError("A depot needs a name.");
    if (event !== undefined) checked(event);
  }
  const subscription = nc.subscribe("parcel.>", {
    callback: (error, message) => {
      const report = error ? undefined : readReport(message);
      if (report && wishes.some((wish) => fits(report, wish))) show(report);
    },
  });
  await nc.flush();
  return async () => {
    subscription.unsubscribe();
    await nc.flush();
  };
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

function checked(event: string): string {
  if (!/^[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(event)) throw new RangeError(`${event} is no event`);
  return event;
}
