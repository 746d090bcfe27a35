// Lab of lesson 13: an old hub with a channel of scans. Two programs read it, and one of them is behind.
import type { Lab } from "../../checker/kit/lab.ts";

export const lab: Lab = {
  streaming: true,
  async play({ random, connectStreaming, every }) {
    const depots = random.some(2, ["ams", "rtm", "lux", "bru"]);
    const [behind = "", quick = ""] = random.some(2, ["customs", "billing"]);
    const depot = await connectStreaming("depot");
    for (const durable of [behind, quick]) {
      const desk = await connectStreaming(`${durable}-desk`);
      const options = desk
        .subscriptionOptions()
        .setDurableName(durable)
        .setDeliverAllAvailable()
        .setManualAckMode(true)
        .setMaxInFlight(durable === behind ? 2 : 20);
      desk.subscribe("scans", options).on("message", (message: { ack(): void }) => {
        setTimeout(() => message.ack(), durable === behind ? 3_000 : 10);
      });
    }
    let no = 0;
    every(700, () => {
      no++;
      const scan = { id: `s-${no}`, parcel: `P-${no}`, depot: depots[no % 2] };
      depot.publish("scans", JSON.stringify(scan), () => {});
    });
    return {
      story: [
        "A depot reports scans to the channel scans of an old hub. Two durables work on them, and one of them is behind. Which one, and why? The streaming monitor tells what was sent last and what has no ack; the nats CLI shows the messages that make it so.",
      ],
      tryThese: ['sub "_STAN.pub.>" --count 3', "server report connections --user=system --password=system"],
    };
  },
};
