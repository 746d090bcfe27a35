// Lab of lesson 06: a slow customs office behind a limit for all workers together.
import { AckPolicy } from "nats";
import type { Lab } from "../../checker/kit/lab.ts";

const limit = 3;
const slowMs = 1_500;

export const lab: Lab = {
  async play({ connect, every }) {
    const nc = await connect("depot");
    const jsm = await nc.jetstreamManager();
    await jsm.streams.add({ name: "FORMS", subjects: ["form.>"] });
    await jsm.consumers.add("FORMS", {
      durable_name: "customs",
      ack_policy: AckPolicy.Explicit,
      max_ack_pending: limit,
    });
    const js = nc.jetstream();
    let form = 0;
    every(300, async () => void (await js.publish("form.new", `form ${++form}`)));
    for (const name of ["officer-1", "officer-2"]) {
      const consumer = await (await connect(name)).jetstream().consumers.get("FORMS", "customs");
      await consumer.consume({
        max_messages: 10,
        callback: (message) => void setTimeout(() => message.ack(), slowMs),
      });
    }
    return {
      story: [
        `Two officers take as many forms as they can get, and need ${slowMs / 1_000} seconds for each. The consumer's max_ack_pending is ${limit}: never more than ${limit} are in their hands together. The heap grows.`,
      ],
      tryThese: ["consumer report FORMS", "consumer info FORMS customs"],
    };
  },
};
