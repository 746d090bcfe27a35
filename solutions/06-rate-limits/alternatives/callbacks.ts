// Callbacks. Each parcel is declared the moment it comes, and the limit of the consumer is the only one: least code, and the client asks
// ahead as it likes. The upload publishes requests of its own and counts in callbacks; that is what libraries do inside.
import { AckPolicy, type JsMsg, type NatsConnection } from "nats";
import type { Customs, Scan } from "../solution.ts";

export { openPrinter } from "../solution.ts";

export async function runCustoms(nc: NatsConnection, customs: Customs, stop: AbortSignal): Promise<void> {
  const js = nc.jetstream();
  await (await nc.jetstreamManager()).consumers.add("PARCELS", {
    durable_name: "customs",
    ack_policy: AckPolicy.Explicit,
    max_ack_pending: customs.places,
  });
  let working = 0;
  let idle = () => {};
  const declare = async (message: JsMsg) => {
    working++;
    try {
      await customs.declare(message.json());
    } catch {
      await js.publish(`refused.${message.subject}`, message.data, { msgID: `refused-${message.seq}` });
    }
    await message.ackAck();
    if (--working === 0) idle();
  };
  const consumer = await js.consumers.get("PARCELS", "customs");
  if (stop.aborted) return;
  const parcels = await consumer.consume({ callback: (message) => void declare(message) });
  stop.addEventListener("abort", () => parcels.stop());
  await parcels.closed();
  if (working > 0) {
    await new Promise<void>((resolve) => {
      idle = resolve;
    });
  }
}

export function upload(nc: NatsConnection, depot: string, scans: Scan[], window: number): Promise<void> {
  const js = nc.jetstream();
  return new Promise((resolve, reject) => {
    let next = 0;
    let stored = 0;
    const send = (scan: Scan) => {
      js.publish(`scan.${depot}`, JSON.stringify(scan)).then(
        () => {
          stored++;
          if (stored === scans.length) resolve();
          else fill();
        },
        (error) => {
          if (error.api_error?.err_code === 10167) setTimeout(send, 20, scan);
          else reject(error);
        },
      );
    };
    const fill = () => {
      const scan = scans[next++];
      if (scan) send(scan);
    };
    if (scans.length === 0) resolve();
    for (let i = 0; i < window; i++) fill();
  });
}
