// What a program sends at once when it has read something is told from what it sends after a rest, however slow the machine is.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import type { Wrote } from "../../checker/kit/channel.ts";
import { defaultMemoryMb, HostProcess } from "../../checker/kit/host-process.ts";
import { LearnerProgram } from "../../checker/kit/program.ts";

const folder = mkdtempSync(join(tmpdir(), "learn-nats-reaction-"));
const file = join(folder, "program.mjs");
/** Reads, is kept from its work for a while as on a busy machine, and writes 900 bytes so many milliseconds later, by a timer. */
writeFileSync(
  file,
  `import { connect } from "node:net";
   export const run = (port, busyMs, restMs) => new Promise((resolve) => {
     const socket = connect(port, "127.0.0.1");
     socket.on("data", (data) => {
       if (data.length < 100) return;
       for (const end = performance.now() + busyMs; performance.now() < end; );
       setTimeout(() => socket.write("x".repeat(900)), restMs);
     });
     socket.on("close", resolve);
   });`,
);
const until = <T>(condition: () => T | Promise<T>) =>
  vi.waitUntil(condition, { timeout: 60_000, interval: 5 }) as Promise<NonNullable<T>>;

const dialed: Socket[] = [];
const server = createServer((socket) => void dialed.push(socket.resume()));
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

test.each([
  { busyMs: 0, restMs: 0, shows: { atLeast: 900, atMost: 900 } },
  // Nobody can tell whether who was kept from it for so long would have rested.
  { busyMs: 100, restMs: 0, shows: { atLeast: 0, atMost: 900 } },
  { busyMs: 0, restMs: 200, shows: { atLeast: 0, atMost: 0 } },
  { busyMs: 100, restMs: 200, shows: { atLeast: 0, atMost: 0 } },
])("busy for $busyMs ms and then at rest for $restMs ms", async ({ busyMs, restMs, shows }) => {
  const host = new HostProcess();
  const program = new LearnerProgram<void>(
    "program",
    host,
    { memoryMb: defaultMemoryMb, outputKb: 1_024 },
    {
      until: (_what, condition) => until(condition),
      stir: () => {},
      pullWaitsMs: () => 0,
      foreign: () => false,
      note: () => {},
    },
  );
  try {
    await program.load(file, "run");
    program.call("run", [(server.address() as AddressInfo).port, busyMs, restMs], false);
    const socket = await until(() => dialed.pop());
    socket.write("y".repeat(50));
    const told: Wrote[] = [];
    // A busy machine may hide what it shows, and never shows the other.
    while (
      !told.some((each) => each.atLeast === shows.atLeast && each.atMost === shows.atMost) &&
      told.length < 100
    ) {
      const asked = await program.reaction(500, 10);
      await program.answers(4);
      expect(await asked(), "nothing, or only a small piece, was read").toBeUndefined();
      socket.write("y".repeat(500));
      told.push(await until(asked));
      // What it writes after a rest is not to be taken for the next answer.
      await until(() => socket.bytesRead === told.length * 900);
    }
    expect(told.at(-1)).toEqual(shows);
    for (const each of told) {
      expect(each.atLeast).toBeLessThanOrEqual(shows.atLeast);
      expect(each.atMost).toBeGreaterThanOrEqual(shows.atMost);
    }
    socket.destroy();
    await program.result();
  } finally {
    host.end();
    await host.exited;
  }
});
