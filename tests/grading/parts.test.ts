// What one program has left running is told from the other programs, however many there are.
import { afterAll, expect, test } from "vitest";
import { HostProcess } from "../../checker/kit/host-process.ts";
import { startOf } from "../../checker/nats/end-process.ts";
import { reapAll } from "../../checker/nats/reaper.ts";
import { within } from "./leftovers.ts";

afterAll(reapAll);

test.skipIf(process.platform !== "linux")("the end of the first program does not end the tenth", async () => {
  const hosts = Array.from({ length: 10 }, () => new HostProcess());
  const [first, tenth] = [hosts[0], hosts[9]] as [HostProcess, HostProcess];
  const pids = hosts.map(({ child }) => child.pid as number);
  expect(await within(30_000, () => pids.every((pid) => startOf(pid) !== undefined))).toBe(true);
  first.end();
  await first.exited;
  expect(first.leftovers()).toEqual([]);
  first.endLeftovers();
  // A signal takes effect a moment later.
  expect(await within(1_000, () => tenth.exit !== undefined)).toBe(false);
  for (const host of hosts.slice(1)) host.end();
});
