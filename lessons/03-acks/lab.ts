// Lab of lesson 03: a worker that acks after the work, one parcel that it never manages, and a clerk who forgets to ack.
import { AckPolicy, nanos } from "nats";
import type { Lab } from "../../checker/kit/lab.ts";

export const lab: Lab = {
  async play({ connect, every }) {
    const nc = await connect("depot");
    const jsm = await nc.jetstreamManager();
    await jsm.streams.add({ name: "PARCELS", subjects: ["parcel.>"] });
    for (const [durable_name, ack_wait] of [
      ["worker", nanos(30_000)],
      ["clerk", nanos(5_000)],
    ] as const) {
      await jsm.consumers.add("PARCELS", { durable_name, ack_policy: AckPolicy.Explicit, ack_wait });
    }
    const js = nc.jetstream();
    let parcel = 0;
    every(1_000, async () => void (await js.publish("parcel.lyon", `P-${++parcel}`)));

    const work = await (await connect("worker")).jetstream().consumers.get("PARCELS", "worker");
    await work.consume({
      max_messages: 1,
      callback: (message) => (message.string() === "P-3" ? message.nak(3_000) : message.ack()),
    });
    const look = await (await connect("clerk")).jetstream().consumers.get("PARCELS", "clerk");
    await look.consume({ max_messages: 5, callback: () => {} });
    return {
      story: [
        "A worker acks each parcel but P-3, which it never manages. A clerk looks at parcels and acks none: they come again after five seconds.",
      ],
      tryThese: ["consumer report PARCELS", "consumer info PARCELS worker", "events --js-advisory"],
    };
  },
};
