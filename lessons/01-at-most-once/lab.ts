// Lab of lesson 01: a terminal publishes scans, a screen listens, and a desk answers questions.
import type { Lab } from "../../checker/kit/lab.ts";

export const lab: Lab = {
  async play({ random, connect, every }) {
    const towns = random.some(3, ["lyon", "ghent", "bern", "oslo", "porto", "turin"]);
    const screen = await connect("screen");
    screen.subscribe("parcel.*.scanned", { callback: () => {} });
    const desk = await connect("desk");
    desk.subscribe("where", { callback: (_, question) => void question.respond(`at ${random.pick(towns)}`) });
    await Promise.all([screen.flush(), desk.flush()]);
    const terminal = await connect("terminal");
    let parcel = random.between(1_000, 8_000);
    every(500, () => terminal.publish(`parcel.${random.pick(towns)}.scanned`, `P-${++parcel}`));
    return {
      story: [
        "A terminal publishes a scan twice a second. A screen listens. A desk answers whoever asks `where`. Nothing is stored: what you do not hear is gone.",
      ],
      tryThese: ['sub "parcel.>"', "req where P-1", "pub parcel.lyon.scanned P-1", "rtt"],
    };
  },
};
