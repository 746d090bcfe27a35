// Lesson 06, rate limits: three places where one side is slower than the other.
//
// Customs looks at a few parcels at a time. A label printer has a slow line. An upload must not fill the network with what
// nobody has confirmed yet.
//
// The streams PARCELS, REFUSED and SCANS are there already. LABELS is not.
//
// Write the three functions. What each one promises stands above it.
// BEGIN SOLUTION
// STARTER: // With npm start open, each save is graded; npm run check lesson-06 grades once.
// STARTER: import type { NatsConnection } from "nats";
import { AckPolicy, type JsMsg, type NatsConnection, type NatsError } from "nats";
// END SOLUTION

export interface Parcel {
  id: string;
  value: number;
}

/** The customs office, as its API shows it. */
export interface Customs {
  /** How many parcels it looks at at once. It must never have more from us. As long as parcels wait, it must not have fewer. */
  places: number;
  /** Resolves when the parcel is cleared, rejects when it is refused. Takes up to ten seconds. */
  declare(parcel: Parcel): Promise<void>;
}

/**
 * One worker at the customs desk: takes parcels from the work queue PARCELS (subjects parcel.<depot>.declare) and declares
 * them, until it is told to stop. There may be one such worker or many, in processes of their own, and none knows of the others.
 *
 * - All workers use the durable pull consumer `customs`. It does not exist yet: every worker makes sure that it does.
 * - Over all workers together, customs never has more than `customs.places` parcels.
 * - As long as enough parcels wait, customs has exactly that many, even with a single worker. A parcel that takes long holds
 *   up no other.
 * - A parcel that is cleared leaves the work queue.
 * - A parcel that is refused is published on refused.<its subject>, with the same data, where the stream REFUSED stores it. When it
 *   is stored there, it leaves the work queue. It is not declared again, and its place is free for the next parcel at once. (What to
 *   do when REFUSED cannot store it is not part of this exercise.)
 * - When `stop` is set, the worker takes no new parcel, finishes what it has, and the function is done. A parcel that has
 *   come and is not declared yet is declared, or given back as in lesson 03. The connection is closed by the caller.
 */
export async function runCustoms(nc: NatsConnection, customs: Customs, stop: AbortSignal): Promise<void> {
  // BEGIN SOLUTION
  // STARTER: throw new Error("runCustoms is still to be written");
  const js = nc.jetstream();
  const manager = await nc.jetstreamManager();
  await manager.consumers.add("PARCELS", {
    durable_name: "customs",
    ack_policy: AckPolicy.Explicit,
    max_ack_pending: customs.places,
  });

  const declare = async (message: JsMsg): Promise<void> => {
    try {
      await customs.declare(message.json<Parcel>());
      message.ack();
    } catch {
      await js.publish(`refused.${message.subject}`, message.data);
      message.term();
    }
  };

  const consumer = await js.consumers.get("PARCELS", "customs");
  // A stop that has come already calls no listener.
  if (stop.aborted) return;
  const parcels = await consumer.consume({ max_messages: customs.places });
  stop.addEventListener("abort", () => void parcels.close(), { once: true });
  const atCustoms = new Set<Promise<void>>();
  for await (const message of parcels) {
    const declaring = declare(message).finally(() => atCustoms.delete(declaring));
    atCustoms.add(declaring);
  }
  await Promise.all(atCustoms);
  await nc.flush();
  // END SOLUTION
}

/** The line to a label printer. The printer only listens: it answers nothing and keeps nothing. */
export interface Line {
  /** The printer's subject: what is published here, it prints. */
  subject: string;
  /** What the printer can take, in bytes a second. */
  bytesPerSecond: number;
  /** The size of the largest label, in bytes. Besides the one that it prints, the printer has room for one more. */
  largestLabel: number;
}

/**
 * Sets the line to a label printer up; after that the server alone does the work.
 *
 * - Makes the stream LABELS for the subjects label.>, which takes every label of up to `line.largestLabel` bytes. The printer may be
 *   switched off overnight: the labels and the consumer are still there in the morning.
 * - Makes a durable consumer of it, `printer`, that brings every label in the stream to `line.subject`, once, and nothing else:
 *   as fast as the printer can take them, and no faster, from the first label on.
 */
export async function openPrinter(nc: NatsConnection, line: Line): Promise<void> {
  // BEGIN SOLUTION
  // STARTER: throw new Error("openPrinter is still to be written");
  const manager = await nc.jetstreamManager();
  await manager.streams.add({
    name: "LABELS",
    subjects: ["label.>"],
    // Also the size of the burst. The server counts the subjects with the label.
    max_msg_size: line.largestLabel + 256,
  });
  await manager.consumers.add("LABELS", {
    durable_name: "printer",
    deliver_subject: line.subject,
    ack_policy: AckPolicy.None,
    rate_limit_bps: line.bytesPerSecond * 8,
  });
  // END SOLUTION
}

export interface Scan {
  no: number;
  parcel: string;
}

/**
 * Uploads a day's scans to the stream SCANS, each as JSON on the subject scan.<depot>. Done when the stream has every scan.
 *
 * - At no time more than `window` scans are on the way, that is published and not answered by the stream.
 * - As long as there are scans, no fewer than `window` are on the way either: whichever answer comes, the next scan goes out.
 *   (A scan that rests after a 429 may keep its place.)
 * - A server that is busy may refuse a scan with the error 429, "too many requests". It has not stored it then. It gets it a
 *   little later, after a rest. Rests may grow, but not beyond about half a second.
 * - Any other error is thrown: the caller must hear that the day is not stored.
 * - The order of the scans does not matter, but each one is in the stream once. To send a scan again after a 429, no
 *   message id is needed. To send it again after a timeout, one is.
 */
export async function upload(
  nc: NatsConnection,
  depot: string,
  scans: Scan[],
  window: number,
): Promise<void> {
  // BEGIN SOLUTION
  // STARTER: throw new Error("upload is still to be written");
  const js = nc.jetstream();
  const store = async (scan: Scan): Promise<void> => {
    for (let restMs = 5; ; restMs = Math.min(restMs * 2, 500)) {
      try {
        await js.publish(`scan.${depot}`, JSON.stringify(scan), { msgID: `${depot}-${scan.no}` });
        return;
      } catch (error) {
        if ((error as NatsError).api_error?.code !== 429) throw error;
        await new Promise((resolve) => setTimeout(resolve, restMs * (0.5 + Math.random())));
      }
    }
  };
  const rest = scans.values();
  const lane = async (): Promise<void> => {
    for (const scan of rest) await store(scan);
  };
  await Promise.all(Array.from({ length: window }, lane));
  // END SOLUTION
}
