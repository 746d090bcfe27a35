// Lab of lesson 09: depots with awkward names send reports, and one of them does not encode its name.
import type { Lab } from "../../checker/kit/lab.ts";

export const lab: Lab = {
  async play({ random, connect, every }) {
    const [careless = "", ...careful] = random.some(4, [
      "Bad Homburg",
      "Bad Vilbel",
      "New York",
      "Den Haag",
      "Le Mans",
    ]);
    const depots = await connect("depots");
    const token = (name: string) =>
      name === careless
        ? name
        : encodeURIComponent(name).replace(/[.*]/g, (one) => (one === "." ? "%2E" : "%2A"));
    const events = ["in", "out", "fault.belt", "fault.belt.motor", "fault"];
    let no = 0;
    every(400, () => {
      const depot = [careless, ...careful][no % 4] ?? careless;
      const event = events[Math.floor(no / 4) % events.length] ?? "in";
      depots.publish(`parcel.${token(depot)}.${event}`, `report ${++no}`);
    });
    return {
      story: [
        `Four depots send reports on parcel.<depot>.<event>: ${[careless, ...careful].toSorted().join(", ")}. One of them puts its name into the subject as it is. Which one, and where do its reports go?`,
      ],
      tryThese: ['sub "parcel.>"', 'sub "parcel.*.fault"', 'sub "parcel.*.fault.>"', 'sub "parcel.*.*"'],
    };
  },
};
