// As many lanes as there are places, each with one parcel at a time. Easy to follow; a lane that waits costs one open request to the
// server. A request that ends just as its parcel comes loses it until `ack_wait` is over, so the requests are long, and the stop ends
// them. The upload counts what is on the way instead.
import { AckPolicy, type JetStreamClient, type NatsConnection, NatsError } from "nats";
import type { Customs, Line, Parcel, Scan } from "../solution.ts";

export async function runCustoms(nc: NatsConnection, customs: Customs, stop: AbortSignal): Promise<void> {
  const js = nc.jetstream();
  const jsm = await nc.jetstreamManager();
  await jsm.consumers.add("PARCELS", {
    name: "customs",
    durable_name: "customs",
    ack_policy: AckPolicy.Explicit,
    max_ack_pending: customs.places,
    ack_wait: 60_000_000_000,
  });
  await Promise.all(Array.from({ length: customs.places }, () => lane(js, customs, stop)));
}

async function lane(js: JetStreamClient, customs: Customs, stop: AbortSignal): Promise<void> {
  const consumer = await js.consumers.get("PARCELS", "customs");
  while (!stop.aborted) {
    const request = await consumer.fetch({ max_messages: 1, expires: 30_000 });
    const end = () => void request.close();
    stop.addEventListener("abort", end, { once: true });
    for await (const message of request) {
      const cleared = await customs.declare(JSON.parse(message.string()) as Parcel).then(
        () => true,
        () => false,
      );
      if (!cleared) await js.publish(`refused.${message.subject}`, message.data);
      await message.ackAck();
    }
    stop.removeEventListener("abort", end);
  }
}

export async function openPrinter(nc: NatsConnection, line: Line): Promise<void> {
  const jsm = await nc.jetstreamManager();
  await jsm.streams.add({
    name: "LABELS",
    subjects: ["label.>"],
    max_msg_size: Math.round(line.largestLabel * 1.5),
  });
  await jsm.consumers.add("LABELS", {
    durable_name: "printer",
    deliver_subject: line.subject,
    ack_policy: AckPolicy.None,
    rate_limit_bps: 8 * line.bytesPerSecond,
  });
}

export async function upload(
  nc: NatsConnection,
  depot: string,
  scans: Scan[],
  window: number,
): Promise<void> {
  const js = nc.jetstream();
  const rest = [...scans];
  const onTheWay = new Set<Promise<void>>();
  while (rest.length > 0 || onTheWay.size > 0) {
    while (rest.length > 0 && onTheWay.size < window) {
      const scan = rest.shift() as Scan;
      const sending = send(js, depot, scan)
        .then((stored) => {
          if (!stored) rest.push(scan);
        })
        .finally(() => onTheWay.delete(sending));
      onTheWay.add(sending);
    }
    await Promise.race(onTheWay);
  }
}

/** Tells whether the stream has it; when the server was busy, only after a rest. */
async function send(js: JetStreamClient, depot: string, scan: Scan): Promise<boolean> {
  try {
    await js.publish(`scan.${depot}`, JSON.stringify(scan));
    return true;
  } catch (error) {
    if (!(error instanceof NatsError) || error.code !== "429") throw error;
    await new Promise((resolve) => setTimeout(resolve, 50));
    return false;
  }
}
