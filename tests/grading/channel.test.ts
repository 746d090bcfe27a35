// What check and program say to each other arrives in the order in which it was said.
import { expect, test } from "vitest";
import { Channel } from "../../checker/kit/channel.ts";

/** Two ends; what the first one says is kept, and brought to the other at once, as when one read of a pipe finds several lines. */
function ends(call: (target: string, args: unknown[]) => unknown) {
  const lines: string[] = [];
  const error = (thrown: unknown) => thrown as Error;
  const there = new Channel(() => {}, { call, event: () => {}, error });
  const here = new Channel((line) => void lines.push(line), { call: () => {}, event: () => {}, error });
  return {
    here,
    bring: () => {
      for (const line of lines.splice(0)) there.receive(line);
    },
  };
}

test("calls begin in the order in which they were made, whatever their arguments", async () => {
  const begun: string[] = [];
  const { here, bring } = ends((target) => begun.push(target));
  void here.call("missed", [2, 3]);
  void here.call("show", [{ no: 4 }]);
  void here.call("done", []);
  void here.call("last", [1, [2, { three: 3 }], "four"]);
  bring();
  await Promise.resolve();
  expect(begun).toEqual(["missed", "show", "done", "last"]);
});
