// Wishes that another wish covers are left out, so that fewer copies come. Two that are left may still overlap: all events of one depot,
// and one event of all depots. Then the wish for the depot shows the report.
import type { NatsConnection } from "nats";
import { type Report, send, type Wish } from "../solution.ts";

export { send };

const covers = (wide: Wish, narrow: Wish): boolean =>
  (wide.depot === undefined || wide.depot === narrow.depot) &&
  (wide.event === undefined ||
    (narrow.event !== undefined && `${narrow.event}.`.startsWith(`${wide.event}.`)));

export async function watch(
  nc: NatsConnection,
  wishes: Wish[],
  show: (report: Report) => void,
): Promise<() => Promise<void>> {
  for (const { depot, event } of wishes) {
    if (depot === "") throw new Error("a wish without a depot's name");
    if (event !== undefined && !/^[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(event))
      throw new Error(`no event: ${event}`);
  }
  const kept = wishes.filter(
    (wish, at) =>
      !wishes.some(
        (other, where) => where !== at && covers(other, wish) && (where < at || !covers(wish, other)),
      ),
  );
  const ofDepots = new Set(kept.filter(({ depot }) => depot !== undefined).map(({ depot }) => depot));
  const subscriptions = kept.flatMap((wish) => {
    const start = `parcel.${wish.depot === undefined ? "*" : token(wish.depot)}`;
    const below = wish.event === undefined ? "" : `.${wish.event}`;
    return [...(below === "" ? [] : [`${start}${below}`]), `${start}${below}.>`].map((subject) =>
      nc.subscribe(subject, {
        callback: (error, message) => {
          if (error) return;
          const [, from = "", ...words] = message.subject.split(".");
          let depot: string;
          try {
            depot = decodeURIComponent(from);
          } catch {
            return;
          }
          const report = { depot, event: words.join("."), text: message.string() };
          const shownElsewhere =
            wish.depot === undefined &&
            ofDepots.has(depot) &&
            kept.some((other) => other.depot === depot && covers(other, report));
          if (!shownElsewhere) show(report);
        },
      }),
    );
  });
  await nc.flush();
  return async () => {
    for (const subscription of subscriptions) subscription.unsubscribe();
    await nc.flush();
  };
}

function token(name: string): string {
  return encodeURIComponent(name).replace(
    /[.*!'()~]/g,
    (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
