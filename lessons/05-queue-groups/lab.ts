// Lab of lesson 05: three printers in one queue group, and an auditor who hears everything.
import type { Lab } from "../../checker/kit/lab.ts";

export const lab: Lab = {
  async play({ random, connect, every }) {
    const names = random.some(3, ["anna", "ben", "cleo", "dora", "emil", "finn"]);
    for (const name of names) {
      const printer = await connect(`printer-${name}`);
      printer.subscribe("label.print", {
        queue: "printers",
        callback: (_, job) => void job.respond(`printed by ${name}`),
      });
      await printer.flush();
    }
    const auditor = await connect("auditor");
    auditor.subscribe("label.>", { callback: () => {} });
    await auditor.flush();
    const hall = await connect("hall");
    let label = 0;
    every(500, () => hall.publish("label.print", `label ${++label}`));
    return {
      story: [
        `Three printers share the work: ${names.join(", ")}. Each label goes to one of them. The auditor is in no group and hears every label.`,
      ],
      tryThese: ["req label.print mine", "req label.print mine --count 9", 'sub "label.>"'],
    };
  },
};
