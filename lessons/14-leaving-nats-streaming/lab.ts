// Lab of lesson 14: a move that is under way. One depot has left the old hub, another one has not, and the mover comes to a halt now and then.
import { headers } from "nats";
import type { Message, Stan } from "node-nats-streaming";
import type { Lab } from "../../checker/kit/lab.ts";

export const lab: Lab = {
  streaming: true,
  async play({ random, connect, connectStreaming, every }) {
    const [stays = "", left = ""] = random.some(2, ["ams", "rtm", "lux", "bru"]);
    const first = random.between(20, 40);
    const old = await connectStreaming(stays);
    const nc = await connect("mover");
    const js = nc.jetstream();
    const jsm = await nc.jetstreamManager();
    await jsm.streams.add({ name: "SCANS", subjects: ["scans.*"] });

    let no = 0;
    const scan = (depot: string) => {
      no++;
      return JSON.stringify({ id: `s-${no}`, parcel: `P-${no}`, depot });
    };
    const report = () => new Promise<void>((resolve) => old.publish("scans", scan(stays), () => resolve()));
    // Trial runs, which the mover leaves out.
    for (let i = 0; i < first; i++) await report();
    await moves(await connectStreaming("mover"), first, async (message) => {
      const copy = headers();
      copy.set("Channel-Sequence", String(message.getSequence()));
      copy.set("Channel-Time", message.getTimestamp().toISOString());
      await js.publish("scans.harbour", message.getRawData(), { headers: copy });
    });
    every(500, report);
    const own = await connect(left);
    every(1_300, async () => {
      const text = scan(left);
      const { id } = JSON.parse(text) as { id: string };
      await own.jetstream().publish(`scans.${left}`, text, { msgID: id });
    });
    return {
      story: [
        "A channel is being moved. One depot has left the old hub and publishes to the stream; another one still publishes to the channel, and a mover copies that; it left out the trial runs with which the channel begins. The stream counts in its own way: how far is the move, and what is the channel sequence of the stream's message 5? The mover rests now and then; what do you see of that?",
      ],
      tryThese: [
        "stream subjects SCANS",
        "stream get SCANS --last-for scans.harbour",
        "stream get SCANS 5",
        'sub "_STAN.pub.>" --count 3',
      ],
    };
  },
};

/** Copies what comes behind a sequence of the channel, one message after the other. After ten of them it rests. */
async function moves(hub: Stan, behind: number, copy: (message: Message) => Promise<void>): Promise<void> {
  const options = hub
    .subscriptionOptions()
    .setStartAtSequence(behind + 1)
    .setManualAckMode(true)
    .setMaxInFlight(1);
  hub.subscribe("scans", options).on("message", (message: Message) => {
    const restMs = message.getSequence() % 10 === 0 ? 6_000 : 0;
    setTimeout(() => void copy(message).then(() => message.ack()), restMs);
  });
}
