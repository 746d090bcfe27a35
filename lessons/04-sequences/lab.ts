// Lab of lesson 04: a gate that sends each scan twice with one message id, and a stream that stores it once.
import { nanos } from "nats";
import type { Lab } from "../../checker/kit/lab.ts";

export const lab: Lab = {
  async play({ random, connect, every }) {
    const nc = await connect("gate");
    const jsm = await nc.jetstreamManager();
    await jsm.streams.add({ name: "SCANS", subjects: ["scan.>"], duplicate_window: nanos(120_000) });
    const js = nc.jetstream();
    let scan = random.between(100, 900);
    every(1_000, async () => {
      const msgID = `scan-${++scan}`;
      // Another way to send what was already sent: the stream answers "duplicate" and stores nothing.
      for (let i = 0; i < 2; i++)
        await js.publish(`scan.${random.pick(["in", "out"])}`, `P-${scan}`, { msgID });
    });
    return {
      story: [
        "A gate sends each scan twice, with the same message id. The stream SCANS stores it once: compare the number of messages with the last sequence.",
      ],
      tryThese: [
        "stream info SCANS",
        "stream get SCANS 1",
        "req scan.in P-1 -H Nats-Msg-Id:mine",
        "req scan.in P-1 -H Nats-Msg-Id:mine",
      ],
    };
  },
};
