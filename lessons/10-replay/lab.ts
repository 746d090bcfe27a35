// Lab of lesson 10: two depots whose events are in a stream that keeps the last hundred, and one scanner with a wrong clock.
import type { Lab } from "../../checker/kit/lab.ts";

export const lab: Lab = {
  async play({ random, connect, every }) {
    const nc = await connect("depots");
    const manager = await nc.jetstreamManager();
    await manager.streams.add({ name: "PARCELS", subjects: ["parcel.*.*"], max_msgs: 100 });
    const depots = random.some(2, ["ams", "rtm", "lux", "bru"]);
    const [wrong = ""] = depots;
    let no = 0;
    every(700, async () => {
      const depot = depots[no % 2] ?? wrong;
      no++;
      const clock = depot === wrong ? Date.now() - 3 * 3_600_000 : Date.now();
      const event = { parcel: `P-${Math.ceil(no / 4)}`, scannedAt: new Date(clock).toISOString() };
      await nc.jetstream().publish(`parcel.${depot}.${no % 4 < 2 ? "in" : "out"}`, JSON.stringify(event));
    });
    return {
      story: [
        `The depots ${depots.toSorted().join(" and ")} store an event now and then, in a stream that keeps the last hundred. One of them has a scanner whose clock is three hours slow. Which one? How many parcels lie in each depot, and since when can you no longer know?`,
      ],
      tryThese: [
        "stream info PARCELS",
        "sub --stream PARCELS --all",
        "sub --stream PARCELS --start-sequence 5",
        "stream get PARCELS 3",
      ],
    };
  },
};
