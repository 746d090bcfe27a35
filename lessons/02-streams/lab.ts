// Lab of lesson 02: one stream that keeps everything, one that forgets the oldest, and one that refuses the newest.
import { DiscardPolicy } from "nats";
import type { Lab } from "../../checker/kit/lab.ts";

export const lab: Lab = {
  async play({ random, connect, every }) {
    const nc = await connect("terminal");
    const jsm = await nc.jetstreamManager();
    await jsm.streams.add({ name: "PARCELS", subjects: ["parcel.>"] });
    await jsm.streams.add({
      name: "POSITIONS",
      subjects: ["van.>"],
      max_msgs: 20,
      discard: DiscardPolicy.Old,
    });
    await jsm.streams.add({
      name: "LOCKERS",
      subjects: ["locker.>"],
      max_msgs: 5,
      discard: DiscardPolicy.New,
    });
    const js = nc.jetstream();
    for (let no = 1; no <= 5; no++) await js.publish(`locker.${no}`, `P-${no}`);
    let parcel = random.between(100, 900);
    every(500, async () => {
      await js.publish(`parcel.${random.pick(["lyon", "ghent", "bern"])}`, `P-${++parcel}`);
      await js.publish(`van.${random.between(1, 3)}`, `${random.between(0, 99)} km`);
    });
    return {
      story: [
        "PARCELS keeps everything. POSITIONS keeps the last 20 messages and drops the oldest. LOCKERS has room for 5, is full, and refuses the next one.",
      ],
      tryThese: ["stream report", "stream info POSITIONS", "stream view PARCELS", "req locker.6 P-6"],
    };
  },
};
