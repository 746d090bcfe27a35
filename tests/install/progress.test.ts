// Progress on stderr: a bar on a terminal, and plain lines in a log.
import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { installProgress } from "../../checker/cli/progress.ts";
import type { InstallEvent } from "../../checker/nats/install/find.ts";

const about = { program: "nats-server", version: "2.14.5" } as const;
const download: InstallEvent[] = [
  { ...about, source: "release", kind: "started", expect: "about 13 MB, once" },
  { ...about, source: "release", kind: "bytes", bytes: 1_000_000, totalBytes: 4_000_000 },
  { ...about, source: "release", kind: "bytes", bytes: 4_000_000, totalBytes: 4_000_000 },
  { ...about, source: "release", kind: "failed", reason: "the disk is full" },
  { ...about, source: "package", kind: "failed", reason: "there is no apt-get here" },
  { ...about, source: "go", kind: "started", expect: "about a minute, once" },
  { ...about, source: "go", kind: "done", path: "/cache/nats-server" },
];

function draw(events: InstallEvent[], isTTY: boolean): string {
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 100 });
  const listen = installProgress(stream as unknown as NodeJS.WriteStream);
  for (const event of events) listen(event);
  return stream.read()?.toString() ?? "";
}

test("in a log each step is a line at its start and one at its end, and bytes are not written", () => {
  expect(draw(download, false)).toBe(
    [
      "Downloading nats-server 2.14.5 (about 13 MB, once)…",
      "  That did not work: the disk is full.",
      "Installing nats-server 2.14.5 with go install (about a minute, once)…",
      "Installed nats-server 2.14.5.",
      "",
    ].join("\n"),
  );
});

test("on a terminal a bar shows the bytes, and is gone when the step ends", () => {
  const drawn = draw(download, true);
  expect(drawn).toContain("25%  1.0 of 3.8 MB");
  const eraseLine = "\u001b[2K";
  expect(drawn).toContain(`${eraseLine}  That did not work: the disk is full.`);
  expect(drawn.trimEnd().endsWith("Installed nats-server 2.14.5.")).toBe(true);
});

test("a run that waits for another says so", () => {
  expect(draw([{ ...about, source: "release", kind: "waiting" }], false)).toBe(
    "Another run is installing nats-server; waiting to share it…\n",
  );
});
