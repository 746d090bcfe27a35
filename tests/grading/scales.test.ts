// What a program has in memory is seen on every system that can be asked.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { afterAll, expect, test, vi } from "vitest";
import { Scales } from "../../checker/kit/scales.ts";

const heldMb = 200;
const holder = spawn(
  process.execPath,
  [
    "-e",
    `globalThis.held = Buffer.alloc(${heldMb * 1_048_576}, 1); console.log("held"); setInterval(() => {}, 1_000);`,
  ],
  { stdio: ["ignore", "pipe", "inherit"] },
);
const ended = once(holder, "exit");
afterAll(() => void holder.kill("SIGKILL"));
await once(holder.stdout, "data");
const pid = holder.pid as number;

// `ps` is everywhere but on Windows, so that what macOS does can be tried on Linux.
const systems = ({ linux: ["linux", "darwin"], darwin: ["darwin"] } as Record<string, NodeJS.Platform[]>)[
  process.platform
];

test.skipIf(!systems).each(systems ?? [])("memory in buffers is seen as on %s", async (platform) => {
  const scales = new Scales(platform);
  const told = new Map<number, number>();
  await vi.waitFor(
    () => {
      scales.weigh([pid, process.pid], (each, usedMb) => told.set(each, usedMb));
      expect([...told.keys()].sort()).toEqual([pid, process.pid].sort());
    },
    { timeout: 60_000 },
  );
  expect(told.get(pid)).toBeGreaterThan(heldMb);
  // Node itself takes 40 to 80 MB.
  expect(told.get(pid)).toBeLessThan(heldMb + 200);
});

test.skipIf(!systems).each(systems ?? [])(
  "nothing is told of a process that has ended, as on %s",
  async (platform) => {
    holder.kill("SIGKILL");
    await ended;
    const scales = new Scales(platform);
    const told: number[] = [];
    await vi.waitFor(
      () => {
        scales.weigh([process.pid, pid], (each) => told.push(each));
        expect(told.length).toBeGreaterThan(0);
      },
      { timeout: 60_000 },
    );
    expect(told).not.toContain(pid);
  },
);
