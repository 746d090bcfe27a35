// Reads the learners' summaries from a classroom that is open now, beside its host.
import { Kvm } from "@nats-io/kv";
import { reachedFromHere } from "./address.ts";
import { Authority } from "./authority.ts";
import { parsed } from "./messages.ts";
import type { OpenOptions } from "./open.ts";
import { keys, roomNames } from "./room.ts";
import { openState } from "./state.ts";
import { connectAs } from "./store.ts";
import type { LearnerSummary } from "./summary.ts";

/** Undefined when the classroom's own server does not run. */
export async function readRunning({ cluster }: OpenOptions): Promise<LearnerSummary[] | undefined> {
  const state = openState();
  if (cluster || !state.ports) return undefined;
  const credentials = await Authority.of(state.seeds).host();
  // Its own certificate may be of its own making; the seeds prove who we talk to.
  const tls = { checkServerIdentity: () => undefined, rejectUnauthorized: false };
  const nc = await connectAs("report", {
    servers: [`${reachedFromHere(state.host ?? "127.0.0.1")}:${state.ports.nats}`],
    credentials,
    ...(state.tls && { tls }),
  }).catch(() => undefined);
  if (!nc) return undefined;
  try {
    const kv = await new Kvm(nc).open(roomNames(state.room).bucket);
    const found: LearnerSummary[] = [];
    for await (const key of await kv.keys(keys.learners)) {
      const summary = parsed((await kv.get(key))?.string() ?? "") as LearnerSummary | undefined;
      if (summary) found.push(summary);
    }
    return found;
  } finally {
    await nc.close();
  }
}
