// Lab of lesson 07: sorters that pull, one of them too much, and a screen that is pushed everything.
import { AckPolicy, consumerOpts } from "nats";
import type { Lab } from "../../checker/kit/lab.ts";

export const lab: Lab = {
  async play({ random, connect, every }) {
    const nc = await connect("belt");
    const jsm = await nc.jetstreamManager();
    await jsm.streams.add({ name: "PARCELS", subjects: ["parcel.>"] });
    await jsm.consumers.add("PARCELS", { durable_name: "sorters", ack_policy: AckPolicy.Explicit });
    const js = nc.jetstream();
    let parcel = 0;
    every(
      400,
      async () => void (await js.publish(`parcel.${random.pick(["lyon", "bern"])}`, `P-${++parcel}`)),
    );
    for (const [name, max_messages] of [
      ["sorter-1", 1],
      ["sorter-2", 1],
      ["sorter-greedy", 20],
    ] as const) {
      const sorter = await (await connect(name)).jetstream().consumers.get("PARCELS", "sorters");
      await sorter.consume({
        max_messages,
        callback: (message) => void setTimeout(() => message.ack(), 1_000),
      });
    }
    const screen = (await connect("screen")).jetstream();
    await screen.subscribe(
      "parcel.>",
      consumerOpts()
        .orderedConsumer()
        .callback(() => {}),
    );
    return {
      story: [
        "Three sorters share the consumer `sorters`; one of them pulls 20 messages at a time. A screen has an ordered consumer of its own.",
      ],
      tryThese: ["consumer report PARCELS", "consumer info PARCELS sorters", "traffic --runtime 5s"],
    };
  },
};
