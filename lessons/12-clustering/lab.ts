// Lab of lesson 12: two depots that send a scan again when they believe that no answer came. One of them says that it is the same scan.
import type { Lab } from "../../checker/kit/lab.ts";

export const lab: Lab = {
  async play({ random, connect, every }) {
    const nc = await connect("scanners");
    const manager = await nc.jetstreamManager();
    await manager.streams.add({ name: "SCANS", subjects: ["parcel.*.*"], max_msgs: 200 });
    const js = nc.jetstream();
    const depots = random.some(2, ["ams", "rtm", "lux", "bru"]);
    const [careless] = depots;
    let no = 0;
    every(800, async () => {
      no++;
      for (const depot of depots) {
        const scan = JSON.stringify({ id: `${depot}/${no}`, parcel: `P-${no}` });
        // Every third answer is believed to be lost.
        const tries = no % 3 === 0 ? 2 : 1;
        for (let i = 0; i < tries; i++)
          await js.publish(`parcel.${depot}.in`, scan, depot === careless ? {} : { msgID: `${depot}/${no}` });
      }
    });
    return {
      story: [
        `The depots ${depots.toSorted().join(" and ")} store their scans. Now and then both believe that no answer came, as when a leader is gone, and send a scan again. One of them does it right. In whose scans is a scan twice, and what have the messages of the other one that these have not?`,
        "This hub is one server, so nobody takes over. For a cluster of three, with nodes that you can stop and pause, use docker-compose.yml.",
      ],
      tryThese: [
        "stream subjects SCANS",
        "stream info SCANS",
        "sub --stream SCANS --last-per-subject",
        "stream get SCANS 1",
      ],
    };
  },
};
